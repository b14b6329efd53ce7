#pragma once

#include <cstdint>
#include <vector>

#include "coterie/nn/torch.h"

namespace coterie {

/// Which convolutional autoencoder.
struct AutoencoderShape {
  std::int64_t channels = 1;    ///< 1 or 3
  std::int64_t side = 28;       ///< 28, 32 or 96 pixels
  std::int64_t bottleneck = 0;  ///< width of a linear code between the two halves; 0: none
  bool variational = false;     ///< the code is a normal distribution; needs a bottleneck
};

/// The sides that there is a network for, ascending.
const std::vector<std::int64_t>& autoencoder_sides();

/// The side whose ratio to `side` is nearest to one; of two equally near the larger.
std::int64_t nearest_autoencoder_side(std::int64_t side);

/// The convolutional autoencoder of Yu et al. (2021), table 3. All convolutions are 3 x 3 with
/// batch norm and ReLU unless said otherwise. 28: sides 28-14-7-4-2, channels 8-16-32-64, strides
/// 2; back with output padding 1, 0, 1, 1. 32: sides 32-16-8-4-2, the same channels. 96: a 5 x 5 of
/// stride 4, then 24-12-6-3 with channels 16-32-64-128 and an unpadded one to
///     1 x 1 x 256; back 1-3-6-12-24, the last layer 5 x 5 of stride 4 (a 3 x 3 one would leave
///     pixels that no weight reaches).
/// The decoder's last layer has neither batch norm nor ReLU. The features have 256 values, and are
/// the code; a bottleneck adds a linear layer after them and one with ReLU before the decoder, and
/// is then the code.
class AutoencoderImpl : public torch::nn::Module {
 public:
  /// Throws UserError where there is no such network.
  explicit AutoencoderImpl(const AutoencoderShape& shape);

  /// Images [N, C, S, S] to the values of the last convolution, [N, feature_width()].
  torch::Tensor features(const torch::Tensor& images);
  /// Features to codes [N, code_width()]; where variational, to their means.
  torch::Tensor code(const torch::Tensor& features);
  /// Features to the logarithms of the codes' variances, [N, code_width()]; variational alone.
  torch::Tensor log_variance(const torch::Tensor& features);
  torch::Tensor encode(const torch::Tensor& images) { return code(features(images)); }
  /// Codes to images of the same shape as went in.
  torch::Tensor decode(const torch::Tensor& codes);
  torch::Tensor forward(const torch::Tensor& images) { return decode(encode(images)); }

  const AutoencoderShape& shape() const { return shape_; }
  std::int64_t feature_width() const { return map_channels_ * map_side_ * map_side_; }
  std::int64_t code_width() const;

 private:
  AutoencoderShape shape_;
  std::int64_t map_channels_ = 0;
  std::int64_t map_side_ = 0;
  torch::nn::Sequential encoder_;
  torch::nn::Sequential decoder_;
  torch::nn::Linear to_code_{nullptr};
  torch::nn::Linear to_log_variance_{nullptr};
  torch::nn::Linear from_code_{nullptr};
};
TORCH_MODULE(Autoencoder);

}  // namespace coterie
