#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "coterie/core/params.h"
#include "coterie/loss/reconstruction.h"
#include "coterie/methods/cluster_head.h"
#include "coterie/methods/method.h"
#include "coterie/nn/augment.h"
#include "coterie/nn/autoencoder.h"
#include "coterie/train/engine.h"

namespace coterie {

/// The part of a method's parameters that says what its autoencoder is and how it is trained first.
struct AutoencoderParams {
  std::int64_t pretrain_epochs = 10;
  double pretrain_rate = 1e-3;
  LearningRate schedule = LearningRate::cosine;
  std::int64_t batch_size = 256;
  double weight_decay = 0;
  ReconstructionScale reconstruction = ReconstructionScale::mean;
  std::int64_t bottleneck = 16;  ///< width of the code; 0: the 256 values of the last convolution
  double rotate = 25;            ///< degrees, of the input but not of what it is to be turned into
  double shift = 0.14;           ///< part of the side
  double scale = 0.2;            ///< part of the size
  double shear = 0.2;            ///< part of the height
  double noise = 0;              ///< part of the input's values that is set to 0
  bool centre = true;            ///< take each channel's mean off

  AffineRange distortion() const { return {rotate, shift, scale, shear}; }
};

/// Adds the description of what the network is, and what it sees, to that of `Params`, which
/// derives from them.
template <class Params>
void add_autoencoder_network_fields(Fields<Params>& fields) {
  fields
      .template number<double>("weight_decay", &Params::weight_decay, between(0, 1),
                               "pull of the weights towards 0")
      .template number<std::int64_t>(
          "bottleneck", &Params::bottleneck, between(0, 4096),
          "width of the code; 0: the paper's 256 values of the last convolution")
      .carries_over()
      .template number<double>("rotate", &Params::rotate, between(0, 180),
                               "degrees by which the input is turned at random; its target is not")
      .carries_over()
      .template number<double>("shift", &Params::shift, between(0, 0.5),
                               "part of the side by which the input is moved at random")
      .carries_over()
      .template number<double>("scale", &Params::scale,
                               Range{.low = 0, .high = 1, .high_open = true},
                               "part by which the input is made larger or smaller at random")
      .carries_over()
      .template number<double>("shear", &Params::shear, between(0, 1),
                               "part of its height by which the input is slanted at random")
      .carries_over()
      .template number<double>("noise", &Params::noise,
                               Range{.low = 0, .high = 1, .high_open = true},
                               "part of the input's values that is set to 0 at random")
      .flag("centre", &Params::centre, "take the mean of each channel off the images")
      .carries_over();
}

/// Adds that of all of them. `epochs` and `rate` name the two of the first training: where there is
/// no other, "epochs" and "learning_rate".
template <class Params>
void add_autoencoder_fields(Fields<Params>& fields, const std::string& epochs = "pretrain_epochs",
                            const std::string& rate = "pretrain_rate") {
  fields
      .template number<std::int64_t>(epochs, &Params::pretrain_epochs, between(1, 100000),
                                     "passes over the images for the autoencoder alone")
      .template number<double>(rate, &Params::pretrain_rate,
                               Range{.low = 0, .high = 1, .low_open = true},
                               "step size of Adam at the start, for the autoencoder alone")
      .template choice<LearningRate>(
          "schedule", &Params::schedule,
          {{"cosine", LearningRate::cosine}, {"constant", LearningRate::constant}},
          "how that step size goes on: down to 0 along a cosine, or as it is")
      .template number<std::int64_t>("batch_size", &Params::batch_size, between(2, 65536),
                                     "images in a step of the autoencoder's own training")
      .template choice<ReconstructionScale>(
          "reconstruction", &Params::reconstruction,
          {{"mean", ReconstructionScale::mean}, {"sum", ReconstructionScale::sum}},
          "error of an image as mean or sum over its values")
      .replaced_by(GivenPart::network, {epochs, rate, "schedule", "batch_size"});
  add_autoencoder_network_fields(fields);
}

/// A convolutional autoencoder and what it must know of the images it was trained on: their shape,
/// and the mean of each channel.
class ImageAutoencoder {
 public:
  /// A network for the images of `data` with fresh weights, or with those of `context.init_from`.
  void build(const AutoencoderParams& params, const TrainingData& data, const FitContext& context,
             bool variational = false);

  static constexpr const char* kName = "autoencoder";  ///< in checkpoints
  AutoencoderImpl& network() { return *network_; }
  torch::nn::Module& module() { return *network_; }
  std::int64_t side() const { return network_->shape().side; }
  void to(const torch::Device& device);
  /// Images in 0..1 as the network takes them: without the channels' means, unless told not to.
  torch::Tensor normalised(const torch::Tensor& images) const { return images - mean_; }
  /// Images turned, moved, scaled and slanted at random, and with noise.
  torch::Tensor distorted(const torch::Tensor& images, RandomStream& stream) const;
  /// The reconstruction error of centred images against what came back of them, a scalar.
  torch::Tensor reconstruction(const torch::Tensor& images, const torch::Tensor& back) const;

  /// Features and codes of centred images.
  Description describe(const torch::Tensor& images) {
    const auto features = network_->features(images);
    return {features, network_->code(features)};
  }

  /// The stage that trains it alone.
  Stage pretraining(const Engine& engine);

  /// Rows of `outputs(centred images)` for all images, in eval mode.
  Matrix<float> embed(const TrainingData& data, const FitContext& context,
                      const std::function<torch::Tensor(const torch::Tensor&)>& outputs);
  Matrix<float> codes(const TrainingData& data, const FitContext& context);

  void save(StoredModel& model) const;
  void load(const AutoencoderParams& params, const StoredModel& model, bool variational = false);

 private:
  void make_network(std::int64_t side, bool variational);

  AutoencoderParams params_;
  ImageShape shape_;
  Autoencoder network_{nullptr};
  torch::Tensor mean_;  // [1, C, 1, 1]
};

}  // namespace coterie
