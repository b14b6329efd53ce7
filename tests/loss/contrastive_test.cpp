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

TEST(QueueInfoNce, EqualsItsDefinition) {
  const auto q = rows(3, 4, 1), k = rows(3, 4, 2), queue = rows(5, 4, 3);
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    const double own = std::exp(cosine(q[i], k[i]) / 0.2);
    double all = own;
    for (int j = 0; j < 5; ++j) all += std::exp(cosine(q[i], queue[j]) / 0.2);
    sum -= std::log(own / all);
  }
  EXPECT_NEAR(queue_info_nce(q, k, queue, 0.2).item<double>(), sum / 3, 1e-12);
  EXPECT_LT(gradient_error([&](const auto& x) { return queue_info_nce(x, k, queue, 0.2); }, q),
            1e-7);
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
  EXPECT_LT(gradient_error([](const auto& x) { return imbalance(x.softmax(1)); }, rows(5, 3, 5)),
            1e-8);
}

}  // namespace
}  // namespace coterie
