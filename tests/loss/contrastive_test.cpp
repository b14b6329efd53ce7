#include "coterie/loss/contrastive.h"

#include <gtest/gtest.h>

#include <cmath>

#include "loss/gradients.h"

namespace coterie {
namespace {

using testing::gradient_error;

torch::Tensor rows(std::int64_t count, std::int64_t width, int seed) {
  torch::manual_seed(seed);
  return torch::randn({count, width}, torch::kDouble);
}

double cosine(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a * b).sum() / (a.norm() * b.norm())).item<double>();
}

/// The definition, row by row.
double info_nce_by_loops(const ViewPair& views, double temperature) {
  const auto z = torch::cat({views.first, views.second});
  const std::int64_t half = views.first.size(0), all = 2 * half;
  double sum = 0;
  for (std::int64_t i = 0; i < all; ++i) {
    double others = 0;
    for (std::int64_t j = 0; j < all; ++j)
      if (j != i) others += std::exp(cosine(z[i], z[j]) / temperature);
    sum -= std::log(std::exp(cosine(z[i], z[(i + half) % all]) / temperature) / others);
  }
  return sum / static_cast<double>(all);
}

TEST(InfoNce, HandWorked) {
  // Two images, views equal, the images at right angles: each row has its twin at cosine 1 and two
  // others at 0.
  const auto views = torch::eye(2, torch::kDouble);
  const double t = 0.5;
  EXPECT_NEAR(info_nce({views, 3 * views}, t).item<double>(), std::log(1 + 2 * std::exp(-1 / t)),
              1e-12);
}

TEST(InfoNce, EqualsItsDefinition) {
  const ViewPair views{rows(5, 3, 1), rows(5, 3, 2)};
  for (const double t : {0.1, 0.5, 1.0})
    EXPECT_NEAR(info_nce(views, t).item<double>(), info_nce_by_loops(views, t), 1e-12);
}

TEST(InfoNce, GradientByDifferences) {
  const auto other = rows(4, 3, 2);
  EXPECT_LT(gradient_error(
                [&](const auto& x) {
                  return info_nce({x, other}, 0.5);
                },
                rows(4, 3, 1)),
            1e-8);
}

TEST(InfoNce, PartsAverageToTheWhole) {
  const ViewPair all{rows(6, 4, 1), rows(6, 4, 2)};
  double sum = 0;
  for (const std::int64_t begin : {0, 2, 4})
    sum +=
        info_nce({all.first.narrow(0, begin, 2), all.second.narrow(0, begin, 2)}, all, begin, 0.5)
            .item<double>();
  EXPECT_NEAR(sum / 3, info_nce(all, 0.5).item<double>(), 1e-12);
}

/// Eq. 11 of the DPAC paper as it is printed, both ways, image by image.
double weighted_by_loops(const ViewPair& views, const torch::Tensor& p, double t) {
  const auto one_way = [&](const torch::Tensor& a, const torch::Tensor& b) {
    const std::int64_t count = a.size(0);
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      double others = 0;
      for (std::int64_t j = 0; j < count; ++j) {
        const double mask = 1 - (p[i] * p[j]).sum().item<double>();
        if (j != i) others += mask * std::exp(cosine(a[i], a[j]) / t);
        others += mask * std::exp(cosine(a[i], b[j]) / t);
      }
      sum -= std::log(std::exp(cosine(a[i], b[i]) / t) / others);
    }
    return sum / static_cast<double>(count);
  };
  return 0.5 * (one_way(views.first, views.second) + one_way(views.second, views.first));
}

TEST(WeightedInfoNce, EqualsEquation11) {
  const ViewPair views{rows(5, 3, 1), rows(5, 3, 2)};
  const auto p = rows(5, 4, 3).softmax(1);
  const auto loss = weighted_info_nce(views, views, different_clusters(p, p), 0, 0.5);
  EXPECT_NEAR(loss.item<double>(), weighted_by_loops(views, p, 0.5), 1e-12);
}

TEST(WeightedInfoNce, HandWorked) {
  // Two images at right angles, views equal. In one cluster for half: each row has its twin at
  // weight 1/2 and cosine 1, and two others at weight 1/2 and cosine 0.
  const auto views = torch::eye(2, torch::kDouble);
  const auto p = torch::full({2, 2}, 0.5, torch::kDouble);
  EXPECT_NEAR(weighted_info_nce({views, views}, {views, views}, different_clusters(p, p), 0, 1.0)
                  .item<double>(),
              std::log(0.5 + std::exp(-1.0)), 1e-12);
  // For certain in two clusters: nothing but the others is left to be pushed away from.
  const auto sure = torch::eye(2, torch::kDouble);
  EXPECT_NEAR(
      weighted_info_nce({views, views}, {views, views}, different_clusters(sure, sure), 0, 1.0)
          .item<double>(),
      std::log(2 / std::exp(1.0)), 1e-5);
}

TEST(WeightedInfoNce, UniformProbabilitiesGiveInfoNceLessAConstant) {
  const ViewPair views{rows(6, 3, 1), rows(6, 3, 2)};
  for (const std::int64_t clusters : {2, 10}) {
    const auto p = torch::full({6, clusters}, 1.0 / static_cast<double>(clusters), torch::kDouble);
    EXPECT_NEAR(
        weighted_info_nce(views, views, different_clusters(p, p), 0, 0.5).item<double>(),
        info_nce(views, 0.5).item<double>() + std::log(1 - 1.0 / static_cast<double>(clusters)),
        1e-12);
  }
}

TEST(WeightedInfoNce, ABatchOfOneClusterHasAFiniteLoss) {
  const ViewPair views{rows(4, 3, 1).to(torch::kFloat), rows(4, 3, 2).to(torch::kFloat)};
  const auto p = torch::tensor({1.f, 0.f}).repeat({4, 1});
  const auto x = views.first.clone().set_requires_grad(true);
  const auto loss =
      weighted_info_nce({x, views.second}, {x, views.second}, different_clusters(p, p), 0, 0.5);
  loss.backward();
  EXPECT_TRUE(loss.isfinite().item<bool>());
  EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
}

TEST(WeightedInfoNce, GradientByDifferences) {
  const auto other = rows(4, 3, 2);
  const auto p = rows(4, 3, 5).softmax(1);
  const auto weights = different_clusters(p, p);
  EXPECT_LT(gradient_error(
                [&](const auto& x) {
                  return weighted_info_nce({x, other}, {x, other}, weights, 0, 0.5);
                },
                rows(4, 3, 1)),
            1e-8);
}

TEST(WeightedInfoNce, PartsAverageToTheWhole) {
  const ViewPair all{rows(6, 4, 1), rows(6, 4, 2)};
  const auto p = rows(6, 3, 3).softmax(1);
  double sum = 0;
  for (const std::int64_t begin : {0, 2, 4}) {
    const ViewPair own{all.first.narrow(0, begin, 2), all.second.narrow(0, begin, 2)};
    sum += weighted_info_nce(own, all, different_clusters(p.narrow(0, begin, 2), p), begin, 0.5)
               .item<double>();
  }
  EXPECT_NEAR(sum / 3, weighted_info_nce(all, all, different_clusters(p, p), 0, 0.5).item<double>(),
              1e-12);
}

TEST(DifferentClusters, HasNoGradient) {
  const auto p = rows(3, 2, 1).softmax(1).set_requires_grad(true);
  EXPECT_FALSE(different_clusters(p, p).requires_grad());
}

TEST(QueueInfoNce, EqualsItsDefinition) {
  const auto q = rows(3, 4, 1), k = rows(3, 4, 2), queue = rows(5, 4, 3);
  const auto same = torch::zeros({3, 5}, torch::kBool);
  same[0][1] = same[0][4] = same[2][3] = true;
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    const double own = std::exp(cosine(q[i], k[i]) / 0.2);
    double all = own;
    for (int j = 0; j < 5; ++j)
      if (!same[i][j].item<bool>()) all += std::exp(cosine(q[i], queue[j]) / 0.2);
    sum -= std::log(own / all);
  }
  EXPECT_NEAR(queue_info_nce(q, k, queue, same, 0.2).item<double>(), sum / 3, 1e-12);
  EXPECT_LT(
      gradient_error([&](const auto& x) { return queue_info_nce(x, k, queue, same, 0.2); }, q),
      1e-7);
}

TEST(QueueInfoNce, IsNothingWhereAllQueuedKeysAreOfTheSameImage) {
  const auto q = rows(1, 4, 1).set_requires_grad(true);
  const auto loss =
      queue_info_nce(q, rows(1, 4, 2), rows(2, 4, 3), torch::ones({1, 2}, torch::kBool), 0.2);
  loss.backward();
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(q.grad().abs().max().item<double>(), 0);
}

/// The divergences by their definitions, in plain numbers.
double kl(const torch::Tensor& p, const torch::Tensor& q) {
  double sum = 0;
  for (std::int64_t k = 0; k < p.size(0); ++k) {
    const double a = p[k].item<double>();
    if (a > 0) sum += a * std::log(a / q[k].item<double>());
  }
  return sum;
}
double similarity_of(const torch::Tensor& p, const torch::Tensor& q, DistributionSimilarity kind) {
  const auto middle = (p + q) / 2;
  switch (kind) {
    case DistributionSimilarity::cosine:
      return cosine(p, q);
    case DistributionSimilarity::jensen_shannon:
      return -(kl(p, middle) + kl(q, middle)) / 2;
    case DistributionSimilarity::kullback_leibler:
      return -kl(p, q);
  }
  return 0;
}
constexpr DistributionSimilarity kSimilarities[] = {DistributionSimilarity::cosine,
                                                    DistributionSimilarity::jensen_shannon,
                                                    DistributionSimilarity::kullback_leibler};

TEST(DistributionSimilarities, HandWorked) {
  const auto p = torch::tensor({{1.0, 0.0}, {0.5, 0.5}}, torch::kDouble);
  // Between (1, 0) and (1/2, 1/2): cosine 1 / sqrt 2; KL log 2; the middle is (3/4, 1/4), so
  // JS is (log 4/3 + (log 2/3 + log 2) / 2) / 2.
  const auto at = [&](DistributionSimilarity kind, int i, int j) {
    return distribution_similarities(p, p, kind)[i][j].item<double>();
  };
  EXPECT_NEAR(at(DistributionSimilarity::cosine, 0, 1), std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(at(DistributionSimilarity::kullback_leibler, 0, 1), -std::log(2.0), 1e-12);
  const double js = (std::log(4.0 / 3) + (std::log(2.0 / 3) + std::log(2.0)) / 2) / 2;
  EXPECT_NEAR(at(DistributionSimilarity::jensen_shannon, 0, 1), -js, 1e-12);
  EXPECT_NEAR(at(DistributionSimilarity::jensen_shannon, 1, 0), -js, 1e-12);
  for (const DistributionSimilarity kind : kSimilarities)
    for (const int i : {0, 1})
      EXPECT_NEAR(at(kind, i, i), kind == DistributionSimilarity::cosine ? 1 : 0, 1e-12);
}

/// Eq. 3.4 and 3.5 of the DCSC paper, image by image, an image's own q of the same view left out.
double semantic_by_loops(const ViewPair& p, const ViewPair& q, double t,
                         DistributionSimilarity kind) {
  const auto one_way = [&](const torch::Tensor& anchors, const torch::Tensor& same,
                           const torch::Tensor& other) {
    const std::int64_t count = anchors.size(0);
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      double all = 0;
      for (std::int64_t j = 0; j < count; ++j) {
        if (j != i) all += std::exp(similarity_of(anchors[i], same[j], kind) / t);
        all += std::exp(similarity_of(anchors[i], other[j], kind) / t);
      }
      sum -= std::log(std::exp(similarity_of(anchors[i], other[i], kind) / t) / all);
    }
    return sum / static_cast<double>(count);
  };
  return 0.5 * (one_way(p.first, q.first, q.second) + one_way(p.second, q.second, q.first));
}

TEST(SemanticInfoNce, EqualsEquation34) {
  const ViewPair p{rows(5, 3, 1).softmax(1), rows(5, 3, 2).softmax(1)};
  const ViewPair q{rows(5, 3, 3).softmax(1), rows(5, 3, 4).softmax(1)};
  for (const DistributionSimilarity kind : kSimilarities)
    for (const double t : {0.2, 1.0})
      EXPECT_NEAR(semantic_info_nce(p, q, 0, t, kind).item<double>(),
                  semantic_by_loops(p, q, t, kind), 1e-12);
}

TEST(SemanticInfoNce, HandWorked) {
  // Two images in two clusters for certain, both branches and views alike: each anchor has its
  // counterpart at cosine 1 and two others at 0.
  const auto sure = torch::eye(2, torch::kDouble);
  EXPECT_NEAR(semantic_info_nce({sure, sure}, {sure, sure}, 0, 1, DistributionSimilarity::cosine)
                  .item<double>(),
              std::log(1 + 2 * std::exp(-1.0)), 1e-12);
}

TEST(SemanticInfoNce, GradientByDifferencesInBothBranches) {
  const auto other = rows(4, 3, 2).softmax(1);
  const ViewPair fixed{rows(4, 3, 3).softmax(1), rows(4, 3, 4).softmax(1)};
  for (const DistributionSimilarity kind : kSimilarities) {
    EXPECT_LT(gradient_error(
                  [&](const auto& x) {
                    return semantic_info_nce({x.softmax(1), other}, fixed, 0, 0.5, kind);
                  },
                  rows(4, 3, 1)),
              1e-8);
    EXPECT_LT(gradient_error(
                  [&](const auto& x) {
                    return semantic_info_nce(fixed, {x.softmax(1), other}, 0, 0.5, kind);
                  },
                  rows(4, 3, 1)),
              1e-8);
  }
}

TEST(SemanticInfoNce, CertainDistributionsHaveAFiniteLoss) {
  const auto logits = torch::tensor({{200.f, -200.f}, {-200.f, 200.f}});
  for (const DistributionSimilarity kind : kSimilarities) {
    const auto x = logits.clone().set_requires_grad(true);
    const auto p = x.softmax(1);
    const auto loss = semantic_info_nce({p, p.flip({0})}, {p, p}, 0, 1, kind);
    loss.backward();
    EXPECT_TRUE(loss.isfinite().item<bool>());
    EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
  }
}

TEST(SemanticInfoNce, PartsAverageToTheWhole) {
  const ViewPair p{rows(6, 4, 1).softmax(1), rows(6, 4, 2).softmax(1)};
  const ViewPair q{rows(6, 4, 3).softmax(1), rows(6, 4, 4).softmax(1)};
  const auto kind = DistributionSimilarity::jensen_shannon;
  double sum = 0;
  for (const std::int64_t begin : {0, 2, 4})
    sum += semantic_info_nce({p.first.narrow(0, begin, 2), p.second.narrow(0, begin, 2)}, q, begin,
                             0.5, kind)
               .item<double>();
  EXPECT_NEAR(sum / 3, semantic_info_nce(p, q, 0, 0.5, kind).item<double>(), 1e-12);
}

TEST(ClusterInfoNce, ComparesColumnsHandWorked) {
  // Each view gives each image a cluster of its own, in the other view in the other order of
  // images: column 0 of the first is at right angles to its own twin and equal to the other's.
  const auto first = torch::eye(2, torch::kDouble);
  const ViewPair crossed{first, first.flip({0})};
  // Twin at 0, the own view's other column at 0, the other view's other column at 1.
  EXPECT_NEAR(cluster_info_nce(crossed, 1).item<double>(), std::log(2 + std::exp(1.0)), 1e-12);
  EXPECT_NEAR(cluster_info_nce({first, first}, 1).item<double>(),
              std::log((std::exp(1.0) + 2) / std::exp(1.0)), 1e-12);
}

TEST(ClusterInfoNce, EqualsItsDefinition) {
  const ViewPair views{rows(6, 3, 7).softmax(1), rows(6, 3, 8).softmax(1)};
  std::vector<torch::Tensor> columns;
  for (const auto& view : {views.first, views.second})
    for (int k = 0; k < 3; ++k) columns.push_back(view.select(1, k));
  double sum = 0;
  for (int a = 0; a < 6; ++a) {
    double all = 0, twin = 0;
    for (int b = 0; b < 6; ++b) {
      if (a == b) continue;
      const double cosine =
          ((columns[a] * columns[b]).sum() / (columns[a].norm() * columns[b].norm()))
              .item<double>();
      all += std::exp(cosine / 0.7);
      if (b == (a + 3) % 6) twin = std::exp(cosine / 0.7);
    }
    sum -= std::log(twin / all);
  }
  EXPECT_NEAR(cluster_info_nce(views, 0.7).item<double>(), sum / 6, 1e-12);
}

TEST(ClusterInfoNce, GradientByDifferences) {
  const auto other = rows(6, 3, 4).softmax(1);
  EXPECT_LT(gradient_error(
                [&](const auto& x) {
                  return cluster_info_nce({x.softmax(1), other}, 1);
                },
                rows(6, 3, 3)),
            1e-8);
}

TEST(Imbalance, HandWorked) {
  EXPECT_NEAR(imbalance(torch::full({4, 2}, 0.5, torch::kDouble)).item<double>(), 0, 1e-12);
  const auto one = torch::tensor({{1.0, 0.0}, {1.0, 0.0}}, torch::kDouble);
  EXPECT_NEAR(imbalance(one).item<double>(), std::log(2.0), 1e-10);
  const auto uneven = torch::tensor({{1.0, 0.0}, {0.5, 0.5}}, torch::kDouble);
  EXPECT_NEAR(imbalance(uneven).item<double>(),
              std::log(2.0) + 0.75 * std::log(0.75) + 0.25 * std::log(0.25), 1e-12);
  const auto any = rows(5, 3, 9).softmax(1);
  double sum = std::log(3.0);
  for (int k = 0; k < 3; ++k) {
    double mean = 0;
    for (int i = 0; i < 5; ++i) mean += any[i][k].item<double>() / 5;
    sum += mean * std::log(mean);
  }
  EXPECT_NEAR(imbalance(any).item<double>(), sum, 1e-12);
  EXPECT_LT(gradient_error([](const auto& x) { return imbalance(x.softmax(1)); }, rows(5, 3, 5)),
            1e-8);
}

}  // namespace
}  // namespace coterie
