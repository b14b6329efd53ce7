#include "coterie/loss/distributions.h"

namespace coterie {
namespace {

constexpr double kLeast = 1e-12;  // keeps logarithms finite

}  // namespace

torch::Tensor student_t_assignment(const torch::Tensor& codes, const torch::Tensor& centres,
                                   double alpha) {
  const auto squares = (codes.unsqueeze(1) - centres.unsqueeze(0)).square().sum(2);
  return (-(alpha + 1) / 2 * torch::log1p(squares / alpha)).softmax(1);
}

torch::Tensor target_distribution(const torch::Tensor& assignment) {
  const auto weighed = assignment.square() / assignment.sum(0, /*keepdim=*/true).clamp_min(kLeast);
  return weighed / weighed.sum(1, /*keepdim=*/true);
}

torch::Tensor kl_divergence(const torch::Tensor& target, const torch::Tensor& assignment) {
  return (torch::xlogy(target, target) - target * assignment.clamp_min(kLeast).log()).sum(1).mean();
}

torch::Tensor normal_divergence(const torch::Tensor& mean, const torch::Tensor& log_variance) {
  return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean();
}

torch::Tensor aggregated_target(const torch::Tensor& features, const torch::Tensor& probabilities,
                                double m, AggregatedScores kind) {
  torch::NoGradGuard no_grad;
  const auto rows = features.to(torch::kDouble);
  const auto unit = rows / rows.norm(2, {1}, /*keepdim=*/true).clamp_min(kLeast);
  const auto shares = probabilities.to(torch::kDouble);
  const auto sizes = shares.sum(0, /*keepdim=*/true);
  // sum_j p_jk (1 - x_i x_j) without the B x B distances; a row's own term, which is 0 but for rows
  // of zeros, is taken out.
  const auto own = shares * (1 - unit.square().sum(1, /*keepdim=*/true));
  auto scores = sizes - torch::mm(unit, torch::mm(unit.t(), shares)) - own;
  // What the subtraction leaves of equal rows is rounding.
  scores = scores.clamp_min(kLeast * static_cast<double>(rows.size(0)));
  if (kind == AggregatedScores::means) scores = scores / sizes.clamp_min(kLeast);
  return (-1 / (m - 1) * scores.log()).softmax(1).to(probabilities.dtype());
}

}  // namespace coterie
