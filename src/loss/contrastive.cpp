#include "coterie/loss/contrastive.h"

#include <cmath>
#include <limits>

namespace coterie {
namespace {

torch::Tensor unit(const torch::Tensor& rows) {
  return torch::nn::functional::normalize(rows,
                                          torch::nn::functional::NormalizeFuncOptions().dim(1));
}

/// Scaled cosines of the 2B anchors and the 2N rows, and where each anchor's other view stands.
struct Similarities {
  torch::Tensor others;  ///< [2B, 2N]; -infinity between an anchor and itself
  torch::Tensor other;   ///< [2B], column
};

Similarities similarities(const ViewPair& views, const ViewPair& all, std::int64_t offset,
                          double temperature) {
  const std::int64_t anchors = views.first.size(0);
  const std::int64_t rows = all.first.size(0);
  const auto z = unit(torch::cat({views.first, views.second}));
  const auto u = unit(torch::cat({all.first, all.second}));
  const auto first =
      torch::arange(offset, offset + anchors, views.first.options().dtype(torch::kLong));
  const auto itself = torch::cat({first, first + rows});
  const auto similarity = torch::mm(z, u.t()) / temperature;
  return {similarity.scatter(1, itself.unsqueeze(1), -std::numeric_limits<double>::infinity()),
          torch::cat({first + rows, first})};
}

}  // namespace

torch::Tensor info_nce(const ViewPair& views, double temperature) {
  return info_nce(views, views, 0, temperature);
}

torch::Tensor info_nce(const ViewPair& views, const ViewPair& all, std::int64_t offset,
                       double temperature) {
  const Similarities found = similarities(views, all, offset, temperature);
  return torch::cross_entropy_loss(found.others, found.other);
}

torch::Tensor weighted_info_nce(const ViewPair& views, const ViewPair& all,
                                const torch::Tensor& weights, std::int64_t offset,
                                double temperature) {
  const Similarities found = similarities(views, all, offset, temperature);
  const auto own = found.others.gather(1, found.other.unsqueeze(1)).squeeze(1);
  return (torch::logsumexp(found.others + weights.log().repeat({2, 2}), {1}) - own).mean();
}

torch::Tensor different_clusters(const torch::Tensor& own, const torch::Tensor& all) {
  torch::NoGradGuard no_grad;
  return (1 - torch::mm(own, all.t())).clamp_min(1e-6);
}

torch::Tensor cluster_info_nce(const ViewPair& assignments, double temperature) {
  return info_nce({assignments.first.t(), assignments.second.t()}, temperature);
}

torch::Tensor imbalance(const torch::Tensor& assignments) {
  const auto shares = assignments.mean(0);
  // A share of 0 adds nothing: x log x goes to 0 with x.
  const auto entropy = -(shares * shares.clamp_min(1e-12).log()).sum();
  return std::log(static_cast<double>(assignments.size(1))) - entropy;
}

torch::Tensor queue_info_nce(const torch::Tensor& queries, const torch::Tensor& keys,
                             const torch::Tensor& queue, double temperature) {
  const auto q = unit(queries);
  const auto own = (q * unit(keys)).sum(1, /*keepdim=*/true);
  const auto similarity = torch::cat({own, torch::mm(q, unit(queue).t())}, 1) / temperature;
  return torch::cross_entropy_loss(
      similarity, torch::zeros({queries.size(0)}, queries.options().dtype(torch::kLong)));
}

}  // namespace coterie
