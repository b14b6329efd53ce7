#include "coterie/loss/running_aggregate.h"

namespace coterie {

RunningAggregate::RunningAggregate(std::int64_t width, std::int64_t clusters, Window window)
    : window_(window) {
  const std::int64_t rows = window.batches * window.largest;
  directions_ = register_buffer("directions", torch::zeros({rows, width}));
  shares_ = register_buffer("shares", torch::zeros({rows, clusters}));
  images_ = register_buffer("images", torch::full({rows}, -1, torch::kLong));
  steps_ = register_buffer("steps", torch::zeros({1}, torch::kLong));
}

torch::Tensor RunningAggregate::next(const torch::Tensor& features,
                                     const torch::Tensor& probabilities,
                                     const torch::Tensor& images, double m, AggregatedScores kind) {
  torch::NoGradGuard no_grad;
  if (done_ < 0) done_ = steps_.item<std::int64_t>();
  const std::int64_t oldest = done_ % window_.batches * window_.largest;
  shares_.narrow(0, oldest, window_.largest).zero_();
  shares_.masked_fill_(torch::isin(images_, images).unsqueeze(1), 0);
  const std::int64_t count = images.size(0);
  const auto directions = directions_.narrow(0, oldest, count);
  const auto shares = shares_.narrow(0, oldest, count);
  directions.copy_(unit_rows(features));
  shares.copy_(probabilities);
  images_.narrow(0, oldest, count).copy_(images);
  steps_.add_(1);
  ++done_;
  const auto all = shares_.to(torch::kDouble);
  const AggregatedClusters clusters{all.sum(0, /*keepdim=*/true),
                                    torch::mm(directions_.to(torch::kDouble).t(), all)};
  // Rounded as those that make the clusters are: what is left out is then what went in.
  return targets_of(clusters, directions.to(torch::kDouble), shares.to(torch::kDouble), m, kind)
      .to(probabilities.dtype());
}

}  // namespace coterie
