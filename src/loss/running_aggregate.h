#pragma once

#include <cstdint>

#include "coterie/loss/distributions.h"

namespace coterie {

/// Online probability aggregation (see aggregated_target) over more images than a batch holds: the
/// latest batches make the clusters. What was of an image of the batch before gives way to what is
/// of it now, so that it has no say in its own target here either. A module, so that checkpoints
/// hold the batches. O(rows (width + K)) time and memory.
class RunningAggregate : public torch::nn::Module {
 public:
  /// What it holds: the latest `batches` batches, of `largest` rows at most.
  struct Window {
    std::int64_t batches = 1;
    std::int64_t largest = 1;
  };
  RunningAggregate(std::int64_t width, std::int64_t clusters, Window window);
  /// Takes features [B, width] and probabilities [B, K] of `images` [B], int64, none of them twice,
  /// in and returns their targets, [B, K], without gradient, in the type of `probabilities`.
  torch::Tensor next(const torch::Tensor& features, const torch::Tensor& probabilities,
                     const torch::Tensor& images, double m, AggregatedScores kind);

 private:
  Window window_;
  // Of all rows, batch after batch; those of no image have probabilities of 0.
  torch::Tensor directions_;  // [batches x largest, width], of unit length, float
  torch::Tensor shares_;      // [batches x largest, K]
  torch::Tensor images_;      // [batches x largest]
  torch::Tensor steps_;
  std::int64_t done_ = -1;  // the same, once read: a GPU would wait for it in each step
};

}  // namespace coterie
