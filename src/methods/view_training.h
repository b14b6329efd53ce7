#pragma once

#include <algorithm>

#include "coterie/methods/image_encoder.h"
#include "coterie/train/engine.h"

namespace coterie {

/// What all methods that compare views of images share: how they train on them.
struct ViewTrainingParams : EncoderParams {
  std::int64_t epochs = 20;
  std::int64_t batch_size = 256;
  double learning_rate = 1e-3;
  LearningRate schedule = LearningRate::cosine;
  double warm_up = 0;
  double weight_decay = 1e-4;
  double temperature = 0.5;
  std::int64_t projection = 128;
  std::int64_t projector_layers = 2;
  std::int64_t head_width = 0;

  /// A stage that trains so, still without what it trains and its step.
  Stage stage(std::string name) const {
    return {.name = std::move(name),
            .epochs = epochs,
            .batch_size = batch_size,
            .even_batches = true,
            .learning_rate = learning_rate,
            .schedule = schedule,
            .warm_up = warm_up,
            .optimiser = {.weight_decay = weight_decay}};
  }
};

/// Rows of the largest batch of a stage over the images, those of all processes together: of few
/// images, a batch may have more than its `batch_size`, so that none has a single one.
inline std::int64_t largest_batch(const Engine& engine, const Stage& stage) {
  const std::int64_t steps = engine.steps_per_epoch(stage);
  return std::max(stage.batch_size, (engine.data().count + steps - 1) / steps);
}

/// Adds their description to that of `Params`, which derives from them, but not that of the
/// encoder.
template <class Params>
void add_view_training_fields(Fields<Params>& fields, std::int64_t least_epochs = 1,
                              const char* about_epochs = "passes over the images") {
  fields
      .template number<std::int64_t>("epochs", &Params::epochs,
                                     between(static_cast<double>(least_epochs), 100000),
                                     about_epochs)
      .template number<std::int64_t>("batch_size", &Params::batch_size, between(2, 65536),
                                     "images in a step, of all processes together")
      .template number<double>("learning_rate", &Params::learning_rate,
                               Range{.low = 0, .high = 1, .low_open = true},
                               "step size of Adam at its height")
      .template choice<LearningRate>(
          "schedule", &Params::schedule,
          {{"cosine", LearningRate::cosine}, {"constant", LearningRate::constant}},
          "how the step size goes on: down to 0 along a cosine, or as it is")
      .template number<double>("warm_up", &Params::warm_up, between(0, 1000),
                               "epochs in which the step size rises from 0")
      .template number<double>("weight_decay", &Params::weight_decay, between(0, 1),
                               "pull of the weights towards 0")
      .template number<double>("temperature", &Params::temperature, between(0.01, 10),
                               "what cosines are divided by in the loss")
      .template number<std::int64_t>("projection", &Params::projection, between(2, 4096),
                                     "width of what the loss compares")
      .carries_over()
      .template number<std::int64_t>(
          "projector_layers", &Params::projector_layers, between(1, 4),
          "linear layers from the backbone to the projection, and to clusters")
      .carries_over()
      .template number<std::int64_t>(
          "head_width", &Params::head_width, between(0, 65536),
          "width of the hidden layers of projector and cluster heads; 0: the "
          "backbone's")
      .carries_over();
}

}  // namespace coterie
