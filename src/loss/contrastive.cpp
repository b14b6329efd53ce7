#include "coterie/loss/contrastive.h"

#include <cmath>
#include <limits>

namespace coterie {
namespace {

constexpr double kLeastProbability = 1e-12;  // below it a probability's logarithm is that of this

torch::Tensor unit(const torch::Tensor& rows) {
  return torch::nn::functional::normalize(rows,
                                          torch::nn::functional::NormalizeFuncOptions().dim(1));
}

/// Scaled similarities of the 2B anchors and the 2N rows, and where each anchor's other view
/// stands.
struct Similarities {
  torch::Tensor others;  ///< [2B, 2N]; -infinity between an anchor and itself
  torch::Tensor other;   ///< [2B], column
};

/// `all` [2B, 2N]: first views, then second ones. Anchors begin at row `offset` of N.
Similarities similarities(const torch::Tensor& all, std::int64_t offset, double temperature) {
  const std::int64_t anchors = all.size(0) / 2;
  const std::int64_t rows = all.size(1) / 2;
  const auto first = torch::arange(offset, offset + anchors, all.options().dtype(torch::kLong));
  const auto itself = torch::cat({first, first + rows}).unsqueeze(1);
  return {(all / temperature).scatter(1, itself, -std::numeric_limits<double>::infinity()),
          torch::cat({first + rows, first})};
}

torch::Tensor both(const ViewPair& views) { return torch::cat({views.first, views.second}); }

torch::Tensor cosines(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::mm(unit(a), unit(b).t());
}

/// sum p log p of each distribution along the last dimension; 0 log 0 is 0.
torch::Tensor negative_entropy(const torch::Tensor& p) {
  return (p * p.clamp_min(kLeastProbability).log()).sum(-1);
}

}  // namespace

torch::Tensor info_nce(const ViewPair& views, double temperature) {
  return info_nce(views, views, 0, temperature);
}

torch::Tensor info_nce(const ViewPair& views, const ViewPair& all, std::int64_t offset,
                       double temperature) {
  const Similarities found = similarities(cosines(both(views), both(all)), offset, temperature);
  return torch::cross_entropy_loss(found.others, found.other);
}

torch::Tensor weighted_info_nce(const ViewPair& views, const ViewPair& all,
                                const torch::Tensor& weights, std::int64_t offset,
                                double temperature) {
  const Similarities found = similarities(cosines(both(views), both(all)), offset, temperature);
  const auto own = found.others.gather(1, found.other.unsqueeze(1)).squeeze(1);
  return (torch::logsumexp(found.others + weights.log().repeat({2, 2}), {1}) - own).mean();
}

torch::Tensor different_clusters(const torch::Tensor& own, const torch::Tensor& all) {
  torch::NoGradGuard no_grad;
  return (1 - torch::mm(own, all.t())).clamp_min(1e-6);
}

torch::Tensor distribution_similarities(const torch::Tensor& p, const torch::Tensor& q,
                                        DistributionSimilarity kind) {
  if (kind == DistributionSimilarity::cosine) return cosines(p, q);
  const auto of_p = negative_entropy(p).unsqueeze(1);
  if (kind == DistributionSimilarity::kullback_leibler)
    return torch::mm(p, q.clamp_min(kLeastProbability).log().t()) - of_p;
  const auto middle = negative_entropy((p.unsqueeze(1) + q.unsqueeze(0)) / 2);
  return middle - (of_p + negative_entropy(q).unsqueeze(0)) / 2;
}

torch::Tensor semantic_info_nce(const ViewPair& p, const ViewPair& q, std::int64_t offset,
                                double temperature, DistributionSimilarity kind) {
  const Similarities found =
      similarities(distribution_similarities(both(p), both(q), kind), offset, temperature);
  return torch::cross_entropy_loss(found.others, found.other);
}

torch::Tensor cluster_info_nce(const ViewPair& assignments, double temperature) {
  return info_nce({assignments.first.t(), assignments.second.t()}, temperature);
}

torch::Tensor imbalance(const torch::Tensor& assignments) {
  const auto shares = assignments.mean(0);
  return std::log(static_cast<double>(assignments.size(1))) + negative_entropy(shares);
}

torch::Tensor queue_info_nce(const torch::Tensor& queries, const torch::Tensor& keys,
                             const torch::Tensor& queue, const torch::Tensor& same,
                             double temperature) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const auto q = unit(queries);
  const auto own = (q * unit(keys)).sum(1, /*keepdim=*/true);
  const auto others = torch::mm(q, unit(queue).t()).masked_fill(same, kNone);
  const auto similarity = torch::cat({own, others}, 1) / temperature;
  return torch::cross_entropy_loss(
      similarity, torch::zeros({queries.size(0)}, queries.options().dtype(torch::kLong)));
}

}  // namespace coterie
