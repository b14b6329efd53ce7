#include "coterie/methods/ae/ae_params.h"

namespace coterie {

const Fields<AeParams>& AeParams::fields() {
  static const Fields<AeParams> kFields = [] {
    Fields<AeParams> fields;
    fields
          .number("epochs", &AeParams::epochs, between(1, 100000), "passes over the images")
          .number("batch_size", &AeParams::batch_size, between(2, 65536), "images in a step")
          .number("learning_rate", &AeParams::learning_rate,
                  Range{.low = 0, .high = 1, .low_open = true}, "step size of Adam at the start")
          .choice("schedule", &AeParams::schedule,
                  {{"cosine", LearningRate::cosine}, {"constant", LearningRate::constant}},
                  "how the step size goes on: down to 0 along a cosine, or as it is")
          .number("weight_decay", &AeParams::weight_decay, between(0, 1),
                  "pull of the weights towards 0")
          .choice("reconstruction", &AeParams::reconstruction,
                  {{"mean", ReconstructionScale::mean}, {"sum", ReconstructionScale::sum}},
                  "error of an image as mean or sum over its values")
          .number("bottleneck", &AeParams::bottleneck, between(0, 4096),
                  "width of the code; 0: the paper's 256 values of the last convolution")
          .number("rotate", &AeParams::rotate, between(0, 180),
                  "degrees by which the input is turned at random; its target stays upright")
          .number("shift", &AeParams::shift, between(0, 0.5),
                  "part of the side by which the input is moved at random")
          .number("scale", &AeParams::scale, Range{.low = 0, .high = 1, .high_open = true},
                  "part by which the input is made larger or smaller at random")
          .number("shear", &AeParams::shear, between(0, 1),
                  "part of its height by which the input is slanted at random");
    add_embedding_cluster_fields(fields);
    return fields;
  }();
  return kFields;
}

}  // namespace coterie
