#pragma once

#include <cstdint>
#include <functional>

#include "coterie/methods/method.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// What a network must know of the images it was trained on: their shape, the side it takes, and
/// the mean and deviation of each channel. A base for what holds such a network.
class ImageNetwork {
 public:
  virtual ~ImageNetwork() = default;
  virtual torch::nn::Module& module() = 0;

  std::int64_t side() const { return side_; }
  const ImageShape& shape() const { return shape_; }
  void to(const torch::Device& device);
  /// Images in 0..1 as the network takes them.
  torch::Tensor normalised(const torch::Tensor& images) const;

  /// Rows of `outputs(normalised images)` for all images, in eval mode. Throws UserError where the
  /// images are of another shape than those of the training.
  Matrix<float> embed(const TrainingData& data, const FitContext& context,
                      const std::function<torch::Tensor(const torch::Tensor&)>& outputs);

 protected:
  /// Looks at the images. `side`: what the network is to take, 0: the images' own, at least
  /// `least`. Throws UserError where `side` is smaller than that.
  void observe(const TrainingData& data, std::int64_t side, std::int64_t least);
  /// All but the network's weights, and these as `prefix` + name.
  void save(const std::string& prefix, StoredModel& model);
  /// All but the network, which is then to be made and given to `load_weights`.
  void load_images(const StoredModel& model);
  void load_weights(const std::string& prefix, const StoredModel& model);

 private:
  ImageShape shape_;
  std::int64_t side_ = 0;
  torch::Tensor mean_;       // [1, C, 1, 1]
  torch::Tensor deviation_;  // [1, C, 1, 1]
};

}  // namespace coterie
