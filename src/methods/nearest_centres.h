#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/methods/method.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// Clusters that k-means found among a network's outputs: an image's is that of the nearest centre.
class NearestCentres : public torch::nn::Module {
 public:
  NearestCentres(std::int64_t clusters, std::int64_t width);
  /// Takes the centres of k-means on `rows` [N, width]. Where there are `labels` [N], clusters have
  /// the numbers that most of their rows have there.
  void fit(const Matrix<float>& rows, const FitContext& context,
           const std::vector<std::int32_t>& labels = {});
  /// Takes unit vectors, so that the nearest centre of probabilities is their largest.
  void take_corners();
  /// Has none again.
  void forget();
  /// Whether there are centres yet.
  bool found() const { return centres_.any().item<bool>(); }
  /// Student's t of the distances of rows [B, width], [B, K].
  torch::Tensor probabilities(const torch::Tensor& rows) const;

 private:
  torch::Tensor centres_;  // [K, width]
};

}  // namespace coterie
