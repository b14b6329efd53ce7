#include "coterie/loss/pairs.h"

#include <algorithm>
#include <cmath>

namespace coterie {
namespace {

constexpr double kSlope = 1.1;             // of the penalty u - l against xi, with its sign turned
constexpr double kLeastSimilarity = 1e-6;  // keeps logarithms and their slopes finite

}  // namespace

std::int64_t ThresholdRule::meeting() const {
  // Rounding must not ask for an epoch more.
  const double xi = (upper - lower) / kSlope;
  return std::max<std::int64_t>(0,
                                static_cast<std::int64_t>(std::ceil(xi / (kSlope * rate) - 1e-9)));
}

PairThresholds ThresholdRule::at(std::int64_t epoch) const {
  const double xi = kSlope * rate * static_cast<double>(std::min(epoch, meeting()));
  return {upper - xi, lower + xi / 10};
}

torch::Tensor pair_similarities(const torch::Tensor& rows, const torch::Tensor& others) {
  const auto unit = [](const torch::Tensor& values) {
    return values / values.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  };
  return torch::mm(unit(rows), unit(others).t());
}

PairLabels pair_labels(const torch::Tensor& similarities, const PairThresholds& thresholds) {
  const auto similar = similarities >= thresholds.upper;
  const auto dissimilar = (similarities <= thresholds.lower).logical_and(similar.logical_not());
  return {similar.to(similarities.dtype()), dissimilar.to(similarities.dtype())};
}

torch::Tensor pair_loss(const torch::Tensor& similarities, const PairLabels& labels) {
  const auto near = similarities.clamp_min(kLeastSimilarity).log();
  const auto far = (1 - similarities).clamp_min(kLeastSimilarity).log();
  const auto chosen = (labels.similar + labels.dissimilar).sum().clamp_min(1);
  return -(labels.similar * near + labels.dissimilar * far).sum() / chosen;
}

}  // namespace coterie
