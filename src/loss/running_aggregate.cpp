#include "coterie/loss/running_aggregate.h"

#include <algorithm>

namespace coterie {

RunningAggregate::RunningAggregate(std::int64_t width, std::int64_t clusters, double momentum)
    : momentum_(momentum),
      sizes_(register_buffer("sizes", torch::zeros({1, clusters}, torch::kDouble))),
      sums_(register_buffer("sums", torch::zeros({width, clusters}, torch::kDouble))),
      steps_(register_buffer("steps", torch::zeros({1}, torch::kLong))) {}

torch::Tensor RunningAggregate::next(const torch::Tensor& features,
                                     const torch::Tensor& probabilities, double m,
                                     AggregatedScores kind) {
  torch::NoGradGuard no_grad;
  const auto unit = unit_rows(features);
  const auto shares = probabilities.to(torch::kDouble);
  const auto count = static_cast<double>(unit.size(0));
  // A plain mean over the first batches, so that the very first does not weigh too much.
  if (done_ < 0) done_ = steps_.item<std::int64_t>();
  const double step = std::max(1 - momentum_, 1 / static_cast<double>(done_ + 1));
  ++done_;
  sizes_.lerp_(shares.sum(0, /*keepdim=*/true) / count, step);
  sums_.lerp_(torch::mm(unit.t(), shares) / count, step);
  steps_.add_(1);
  return targets_of({sizes_, sums_, step / count}, unit, shares, m, kind).to(probabilities.dtype());
}

}  // namespace coterie
