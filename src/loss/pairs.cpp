#include "coterie/loss/pairs.h"

#include <algorithm>
#include <cmath>

namespace coterie {
namespace {

constexpr double kSlope = 1.1;             // of the penalty u - l against xi, with its sign turned
constexpr double kLeastSimilarity = 1e-6;  // keeps logarithms and their slopes finite
constexpr double kLeastSquare = 1e-12;     // and those of roots

/// log(1 - p) of probabilities p [P, K] from their logarithms. Of the largest, which may be 1 but
/// for rounding, it is the logarithm of the sum of the others.
torch::Tensor log_complement(const torch::Tensor& logs) {
  constexpr double kNone = -1e4;  // as good as log 0, and no NaN comes of it
  const auto largest =
      torch::zeros_like(logs, torch::kBool).scatter_(1, logs.argmax(1, /*keepdim=*/true), true);
  const auto others = logs.masked_fill(largest, kNone);
  return torch::where(largest, others.logsumexp({1}, /*keepdim=*/true),
                      torch::log1p(-others.exp()));
}

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

torch::Tensor constraint_loss(const torch::Tensor& log_first, const torch::Tensor& log_second,
                              const torch::Tensor& must) {
  const auto together = (log_first + log_second).logsumexp({1});
  const auto apart = (log_first + log_complement(log_second)).logsumexp({1});
  return -(must * together + (1 - must) * apart).mean();
}

}  // namespace coterie
