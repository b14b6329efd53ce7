#pragma once

#include <cstdint>

#include "coterie/core/matrix.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// A whitening of a network's features that is learned from all images now and then, between the
/// epochs of a training, and applied to batches. A module, so that checkpoints hold it.
class WhitenedFeatures : public torch::nn::Module {
 public:
  explicit WhitenedFeatures(std::int64_t width);
  /// Learns the map from features [N, width]: the principal components that hold this share of
  /// their variance (see Whitening).
  void renew(const Matrix<float>& features, double share);
  /// Features [B, width] to [B, width] in double; what lies beyond the components is 0.
  torch::Tensor of(const torch::Tensor& features) const;

 private:
  torch::Tensor mean_;  // [1, width]
  torch::Tensor map_;   // [width, width]
};

}  // namespace coterie
