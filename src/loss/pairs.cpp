#include "coterie/loss/pairs.h"

#include <algorithm>
#include <cmath>

namespace coterie {
namespace {

constexpr double kSlope = 1.1;             // of the penalty u - l against xi, with its sign turned
constexpr double kLeastSimilarity = 1e-6;  // keeps logarithms and their slopes finite
constexpr double kLeastSquare = 1e-12;     // and those of roots

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

torch::Tensor contrastive_pair_loss(const torch::Tensor& first, const torch::Tensor& second,
                                    const torch::Tensor& must, double margin) {
  const auto square = (first - second).square().sum(1);
  const auto short_of = (margin - (square + kLeastSquare).sqrt()).clamp_min(0);
  return (must * square + (1 - must) * short_of.square()).mean();
}

torch::Tensor constraint_loss(const torch::Tensor& first, const torch::Tensor& second,
                              const torch::Tensor& must) {
  const auto together = (first * second).sum(1);
  const auto near = together.clamp_min(kLeastSimilarity).log();
  const auto far = (1 - together).clamp_min(kLeastSimilarity).log();
  return -(must * near + (1 - must) * far).mean();
}

}  // namespace coterie
