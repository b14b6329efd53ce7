#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "coterie/nn/torch.h"

namespace coterie {

/// The sum of a tensor over the processes of a training, differentiable: its gradient is the sum of
/// theirs.
using SumOverProcesses = std::function<torch::Tensor(const torch::Tensor&)>;

/// What batch norms of every dimension share: statistics of the global batch.
class SynchronisedBatchNorm {
 public:
  virtual ~SynchronisedBatchNorm() = default;
  void synchronise(SumOverProcesses sum) { sum_ = std::move(sum); }
  /// From now on running statistics are the plain mean of those of the batches to come, of this
  /// process alone.
  void begin_mean() { batches_ = 0; }
  void end_mean() { batches_.reset(); }

 protected:
  SumOverProcesses sum_;                 // empty: the statistics of this process's images
  std::optional<std::int64_t> batches_;  // that are in the mean
};

/// libtorch's batch norm, with the same options, and parameters and buffers of the same names.
/// Where synchronised, training takes mean and variance over the images of all processes, as one
/// process would over the whole batch; the running statistics are then the same in each.
template <std::size_t D>
class BatchNormImpl
    : public torch::nn::NormImplBase<D, BatchNormImpl<D>, torch::nn::BatchNormOptions>,
      public SynchronisedBatchNorm {
 public:
  using torch::nn::NormImplBase<D, BatchNormImpl, torch::nn::BatchNormOptions>::NormImplBase;
  /// [N, C], [N, C, L] (1d) or [N, C, H, W] (2d) to the same shape.
  torch::Tensor forward(const torch::Tensor& input);

 protected:
  void _check_input_dim(const torch::Tensor& input) override;
};
extern template class BatchNormImpl<1>;
extern template class BatchNormImpl<2>;

using BatchNorm1dImpl = BatchNormImpl<1>;
using BatchNorm2dImpl = BatchNormImpl<2>;
TORCH_MODULE(BatchNorm1d);
TORCH_MODULE(BatchNorm2d);

/// Has every batch norm of these two kinds within `root` take its statistics over all processes,
/// or, with an empty `sum`, over its own images again.
void synchronise_batch_norms(torch::nn::Module& root, const SumOverProcesses& sum);

/// Has the batch norms of these two kinds within `roots` forget their running statistics for the
/// mean of those of the batches that `see_all` passes through them in training mode. Those it does
/// not pass keep what they have; where there are none at all it is not called.
void renew_running_statistics(const std::vector<torch::nn::Module*>& roots,
                              const std::function<void()>& see_all);

}  // namespace coterie
