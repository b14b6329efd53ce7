#include "coterie/loss/distributions.h"

#include <utility>

namespace coterie {
namespace {

constexpr double kLeastDivisor = 1e-12;  // keeps logarithms finite

torch::Tensor student_t_scores(const torch::Tensor& codes, const torch::Tensor& centres,
                               double alpha) {
  const auto squares = (codes.unsqueeze(1) - centres.unsqueeze(0)).square().sum(2);
  return -(alpha + 1) / 2 * torch::log1p(squares / alpha);
}

}  // namespace

torch::Tensor student_t_assignment(const torch::Tensor& codes, const torch::Tensor& centres,
                                   double alpha) {
  return student_t_scores(codes, centres, alpha).softmax(1);
}

torch::Tensor student_t_log_assignment(const torch::Tensor& codes, const torch::Tensor& centres,
                                       double alpha) {
  return student_t_scores(codes, centres, alpha).log_softmax(1);
}

torch::Tensor target_distribution(const torch::Tensor& assignment) {
  const auto weighed =
      assignment.square() / assignment.sum(0, /*keepdim=*/true).clamp_min(kLeastDivisor);
  return weighed / weighed.sum(1, /*keepdim=*/true);
}

torch::Tensor kl_divergence(const torch::Tensor& target, const torch::Tensor& log_assignment) {
  return (torch::xlogy(target, target) - target * log_assignment).sum(1).mean();
}

torch::Tensor normal_divergence(const torch::Tensor& mean, const torch::Tensor& log_variance) {
  return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean();
}

torch::Tensor centred_rows(const torch::Tensor& rows, bool whiten) {
  constexpr double kLeastShare = 1e-4;  // of the largest variance
  const auto centred = (rows - rows.mean(0, /*keepdim=*/true)).to(torch::kDouble);
  if (!whiten) return centred;
  const auto [variances, axes] =
      torch::linalg_eigh(centred.t().mm(centred) / static_cast<double>(centred.size(0)), "L");
  const auto scales =
      torch::where(variances > kLeastShare * variances.max(), variances.clamp_min(1e-300).rsqrt(),
                   torch::zeros_like(variances));
  return centred.mm(axes * scales);
}

torch::Tensor unit_rows(const torch::Tensor& rows) {
  const auto exact = rows.detach().to(torch::kDouble);
  return exact / exact.norm(2, {1}, /*keepdim=*/true).clamp_min(kLeastDivisor);
}

torch::Tensor targets_of(const AggregatedClusters& clusters, const torch::Tensor& directions,
                         const torch::Tensor& probabilities, double m, AggregatedScores kind) {
  const auto& sizes = clusters.sizes;
  // sum_j p_jk (1 - x_i x_j) without the B x B distances; a row's own term, which is 0 but for rows
  // of zeros, is taken out.
  const auto own_terms = probabilities * (1 - directions.square().sum(1, /*keepdim=*/true));
  auto scores = sizes - torch::mm(directions, clusters.sums) - own_terms;
  // What the subtraction leaves of equal rows is rounding.
  scores = torch::maximum(scores, kLeastDivisor * sizes.sum());
  if (kind != AggregatedScores::sums)
    scores = scores / torch::maximum(sizes - probabilities, kLeastDivisor * sizes.sum());
  const auto powers = -1 / (m - 1) * scores.log();
  if (kind != AggregatedScores::balanced) return powers.softmax(1);
  // Less than one image says nothing of a cluster's size.
  return (powers - sizes.clamp_min(1).log()).softmax(1);
}

torch::Tensor aggregated_target(const torch::Tensor& features, const torch::Tensor& probabilities,
                                double m, AggregatedScores kind) {
  torch::NoGradGuard no_grad;
  const auto unit = unit_rows(features);
  const auto shares = probabilities.to(torch::kDouble);
  const AggregatedClusters clusters{shares.sum(0, /*keepdim=*/true), torch::mm(unit.t(), shares)};
  return targets_of(clusters, unit, shares, m, kind).to(probabilities.dtype());
}

torch::Tensor aggregated_distance(const AssignedRows& own, const AssignedRows& all) {
  const auto parts = [](const AssignedRows& rows) {
    const auto shares = rows.probabilities.to(torch::kDouble);
    return std::pair{shares.sum(0), torch::mm(unit_rows(rows.features).t(), shares)};
  };
  const auto [own_sizes, own_sums] = parts(own);
  const auto [all_sizes, all_sums] = parts(all);
  // sum_ij p_ik p_jk (1 - x_i x_j) without the distances.
  const auto sum = (own_sizes * all_sizes).sum() - (own_sums * all_sums).sum();
  const auto pairs = static_cast<double>(own.features.size(0) * all.features.size(0));
  const auto clusters = static_cast<double>(own.probabilities.size(1));
  return (clusters / pairs * sum).to(own.probabilities.dtype());
}

}  // namespace coterie
