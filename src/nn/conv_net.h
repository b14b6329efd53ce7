#pragma once

#include <cstdint>

#include "coterie/core/random.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// The network of Sun, Zhou, Du, Li: Active deep image clustering, 2022, figure 2: three 3 x 3
/// convolutions of 64 channels, of 128 and of 256, each three followed by a 2 x 2 max pool, a 1 x 1
/// convolution to the embedding's width, the mean over what places are left (the paper's 6 x 6), a
/// linear layer. ReLU between, no batch norm. Convolutions are padded, so that images of 8 pixels
/// or more have places left.
class ConvNetImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t kLeastSide = 8;

  ConvNetImpl(std::int64_t channels, std::int64_t width);
  /// Images [B, channels, S, S] to embeddings [B, width].
  torch::Tensor forward(const torch::Tensor& images);
  /// Draws the weights: uniform, of variance 2 / (inputs + outputs of a place) (Glorot, Bengio 2010).
  /// Same stream, same weights everywhere.
  void initialise(RandomStream& stream);

 private:
  torch::nn::Sequential convolutions_;
  torch::nn::Linear last_{nullptr};
};
TORCH_MODULE(ConvNet);

}  // namespace coterie
