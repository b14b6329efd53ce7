#pragma once

#include <cstdint>

#include "coterie/core/matrix.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// A network's features with the identity as covariance, while the network changes: mean and
/// covariance are moving averages over the latest batches. A module, so that checkpoints hold them.
class RunningWhitening : public torch::nn::Module {
 public:
  /// Keeps the principal components that hold this share of the variance.
  RunningWhitening(std::int64_t width, double share);
  /// Takes mean and covariance of features [N, width]: N is to be far above `width`.
  void start(const Matrix<float>& features);
  /// Takes a batch [B, width] into the averages and returns it whitened, [B, width] in double: the
  /// same directions, of equal variance or, beyond the components, of none.
  torch::Tensor next(const torch::Tensor& features);

 private:
  void renew_map();

  double share_;
  torch::Tensor mean_;        // [1, width]
  torch::Tensor covariance_;  // [width, width]
  torch::Tensor map_;         // [width, width]
  torch::Tensor steps_;
  std::int64_t done_ = -1;  // the same, once read: a GPU would wait for it in each step
};

}  // namespace coterie
