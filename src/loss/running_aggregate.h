#pragma once

#include <cstdint>

#include "coterie/loss/distributions.h"

namespace coterie {

/// Online probability aggregation (see aggregated_target) over more images than a batch holds: what
/// scores are made of, the clusters' sizes and sums of directions, are moving averages over the
/// latest batches. A module, so that checkpoints hold them. O(K E) memory.
class RunningAggregate : public torch::nn::Module {
 public:
  /// `momentum`: what of the averages stays in a step, 0 to below 1; they cover 1 / (1 - momentum)
  /// batches. 0: those of the batch alone.
  RunningAggregate(std::int64_t width, std::int64_t clusters, double momentum);
  /// Takes features [B, width] and probabilities [B, K] of a batch into the averages and returns
  /// its targets, [B, K], without gradient, in the type of `probabilities`.
  torch::Tensor next(const torch::Tensor& features, const torch::Tensor& probabilities, double m,
                     AggregatedScores kind);

 private:
  double momentum_;
  torch::Tensor sizes_;  // [1, K], per image
  torch::Tensor sums_;   // [width, K], per image
  torch::Tensor steps_;
  std::int64_t done_ = -1;  // the same, once read: a GPU would wait for it in each step
};

}  // namespace coterie
