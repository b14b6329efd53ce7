#pragma once

#include "coterie/nn/torch.h"

namespace coterie {

/// What a network makes of images: what its last layer gives, and the code that stands for the
/// image in embeddings (the same where the network has no other).
struct Description {
  torch::Tensor features;  ///< [B, F]
  torch::Tensor codes;     ///< [B, E]
};

/// Probabilities of clusters from what a network makes of images.
class ClusterHead : public torch::nn::Module {
 public:
  /// [B, K], in float32.
  virtual torch::Tensor probabilities(const Description& description) = 0;
};

}  // namespace coterie
