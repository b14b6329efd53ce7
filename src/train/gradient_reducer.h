#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "coterie/nn/torch.h"
#include "coterie/train/processes.h"

namespace coterie {

/// Averages gradients over processes while the backward pass still computes others (Li et al. 2020,
/// "PyTorch Distributed", section 3.2): they are cut into buckets, and the sum of a bucket begins
/// when its last gradient is there.
///
///     reducer.start();
///     loss.backward();
///     reducer.finish();
class GradientReducer {
 public:
  /// `gradients` is flat and holds the gradient of each of `parameters`, in their order, one after
  /// the other: each parameter's grad() is a view into it and stays so. A bucket holds whole
  /// gradients, `bucket_bytes` or the first size above it.
  GradientReducer(const std::vector<torch::Tensor>& parameters, torch::Tensor gradients,
                  const Processes& processes, std::int64_t bucket_bytes = std::int64_t{4} << 20);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// Call before the one backward pass of a step.
  void start();
  /// Call after it: returns when all gradients are averages over processes, those of parameters
  /// that took no part included. Throws PeerLost.
  void finish();

  /// How many buckets' sums have begun in this step.
  std::size_t begun() const { return pending_.size(); }

 private:
  /// Parameters that follow each other, reduced together.
  struct Bucket {
    torch::Tensor gradients;  // a slice of all
    int parameters = 0;
    int missing = 0;  // gradients of this step that are still to come
  };
  struct Hook {
    std::shared_ptr<torch::autograd::Node> accumulator;  // the graph alone would let it go
    std::uintptr_t key;
  };
  class Ready;

  void gradient_ready(std::size_t bucket);
  void start_bucket();

  const Processes& processes_;
  torch::Tensor gradients_;
  std::vector<Bucket> buckets_;  // from the last parameter to the first, as gradients come
  std::vector<Hook> hooks_;
  std::vector<Processes::PendingSum> pending_;  // of the first buckets, in their order
  bool active_ = false;
};

}  // namespace coterie
