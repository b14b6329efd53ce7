#include "coterie/nn/running_whitening.h"

#include <algorithm>

namespace coterie {
namespace {

constexpr std::int64_t kBlock = 4096;    // rows turned to double at a time
constexpr double kKept = 0.98;           // of the averages in a step: they cover some 50 batches
constexpr std::int64_t kMapSteps = 10;   // the map is renewed after so many
constexpr double kSmallestShare = 1e-6;  // of the largest variance, that a component is to have

}  // namespace

RunningWhitening::RunningWhitening(std::int64_t width, double share)
    : share_(share),
      mean_(register_buffer("mean", torch::zeros({1, width}, torch::kDouble))),
      covariance_(register_buffer("covariance", torch::eye(width, torch::kDouble))),
      map_(register_buffer("map", torch::eye(width, torch::kDouble))),
      steps_(register_buffer("steps", torch::zeros({1}, torch::kLong))) {}

void RunningWhitening::start(const Matrix<float>& features) {
  // In blocks: all rows in double would be twice what is there already.
  const auto in_blocks = [&](auto&& work) {
    for (std::int64_t begin = 0; begin < features.rows(); begin += kBlock) {
      const std::int64_t count = std::min(kBlock, features.rows() - begin);
      work(torch::from_blob(const_cast<float*>(features.row(begin)), {count, features.cols()})
               .to(mean_.options()));
    }
  };
  const auto count = static_cast<double>(features.rows());
  mean_.zero_();
  covariance_.zero_();
  in_blocks([&](const torch::Tensor& rows) { mean_.add_(rows.sum(0, /*keepdim=*/true) / count); });
  in_blocks([&](const torch::Tensor& rows) {
    const auto centred = rows - mean_;
    covariance_.add_(centred.t().mm(centred) / count);
  });
  steps_.zero_();
  done_ = 0;
  renew_map();
}

torch::Tensor RunningWhitening::next(const torch::Tensor& features) {
  const auto rows = features.to(torch::kDouble);
  const auto centred = rows - mean_;
  mean_.lerp_(rows.mean(0, /*keepdim=*/true), 1 - kKept);
  covariance_.lerp_(centred.t().mm(centred) / static_cast<double>(rows.size(0)), 1 - kKept);
  steps_.add_(1);
  done_ = done_ < 0 ? steps_.item<std::int64_t>() : done_ + 1;
  if (done_ % kMapSteps == 0) renew_map();
  return (rows - mean_).mm(map_);
}

void RunningWhitening::renew_map() {
  const auto [rising, axes] = torch::linalg_eigh(covariance_, "L");
  const auto variances = rising.flip({0});
  const auto before = variances.cumsum(0) - variances;
  const auto kept =
      before.lt(share_ * variances.sum()).logical_and(variances.gt(kSmallestShare * variances[0]));
  const auto scales =
      torch::where(kept, variances.clamp_min(1e-300).rsqrt(), torch::zeros_like(variances));
  // Turned back along the axes, so that whitened rows can be compared from one map to the next.
  const auto falling = axes.flip({1});
  map_.copy_((falling * scales).mm(falling.t()));
}

}  // namespace coterie
