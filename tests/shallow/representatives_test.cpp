#include "coterie/shallow/representatives.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "coterie/core/random.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;

/// Every row linked to the next two.
std::vector<Edge> chain(std::int64_t rows) {
  std::vector<Edge> edges;
  for (std::int64_t i = 0; i + 1 < rows; ++i) {
    edges.push_back({i, i + 1, 1, true});
    if (i + 2 < rows) edges.push_back({i, i + 2, 1, true});
  }
  return edges;
}

/// (I + lambda (D - W)) u = x for one column, by elimination in double.
std::vector<double> plain_solution(const std::vector<Edge>& edges,
                                   const std::vector<double>& weights, double lambda,
                                   std::vector<double> x) {
  const auto n = static_cast<std::int64_t>(x.size());
  Matrix<double> a(n, n);
  for (std::int64_t i = 0; i < n; ++i) a(i, i) = 1;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    const auto [p, q] = std::pair(edges[e].first, edges[e].second);
    a(p, p) += lambda * weights[e];
    a(q, q) += lambda * weights[e];
    a(p, q) -= lambda * weights[e];
    a(q, p) -= lambda * weights[e];
  }
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = i + 1; j < n; ++j) {
      const double factor = a(j, i) / a(i, i);
      for (std::int64_t c = i; c < n; ++c) a(j, c) -= factor * a(i, c);
      x[j] -= factor * x[i];
    }
  for (std::int64_t i = n - 1; i >= 0; --i) {
    for (std::int64_t c = i + 1; c < n; ++c) x[i] -= a(i, c) * x[c];
    x[i] /= a(i, i);
  }
  return x;
}

TEST(Representatives, SolvesTheSystem) {
  // 37 columns: two full panels and one of five.
  const Blobs blobs(120, 37, 4, 3.0, 1, 5.0);
  const std::vector<Edge> edges = chain(120);
  RandomStream random(2, "weights");
  std::vector<double> weights;
  for (std::size_t e = 0; e < edges.size(); ++e) weights.push_back(random.uniform());
  Representatives representatives(blobs.features);
  EXPECT_EQ(representatives.data_term(), 0);
  EXPECT_GT(representatives.solve(NeighbourGraph(120, edges, weights), 20, {}), 0);

  const Matrix<float> values = representatives.values();
  double data_term = 0;
  for (std::int64_t d = 0; d < 37; ++d) {
    std::vector<double> x(120);
    double square = 0;
    for (std::int64_t i = 0; i < 120; ++i) {
      x[i] = blobs.features(i, d);
      square += x[i] * x[i];
    }
    const std::vector<double> u = plain_solution(edges, weights, 20, x);
    for (std::int64_t i = 0; i < 120; ++i) {
      ASSERT_NEAR(values(i, d), u[i], 2e-3 * std::sqrt(square));
      data_term += 0.5 * (x[i] - u[i]) * (x[i] - u[i]);
    }
  }
  EXPECT_NEAR(representatives.data_term() / data_term, 1.0, 1e-2);
  const auto lengths = representatives.squared_lengths(edges);
  for (std::size_t e = 0; e < edges.size(); ++e) {
    double square = 0;
    for (std::int64_t d = 0; d < 37; ++d)
      square += std::pow(values(edges[e].first, d) - values(edges[e].second, d), 2);
    ASSERT_NEAR(lengths[e], square, 1e-5 * (1 + square));
  }
}

TEST(Representatives, NormsByHand) {
  // 3 e_0, 4 e_0 and 2 e_17: singular values 5 and 2.
  Matrix<float> x(3, 18);
  x(0, 0) = 3;
  x(1, 0) = 4;
  x(2, 17) = 2;
  EXPECT_NEAR(Representatives(x).spectral_norm({}), 5, 1e-4);
  // Every pair of 6 rows linked with weight 0.5: eigenvalues 0 and 3.
  std::vector<Edge> edges;
  for (std::int64_t i = 0; i < 6; ++i)
    for (std::int64_t j = i + 1; j < 6; ++j) edges.push_back({i, j, 1, true});
  EXPECT_NEAR(laplacian_norm(NeighbourGraph(6, edges, std::vector<double>(15, 0.5)), {}), 3, 1e-6);
}

}  // namespace
}  // namespace coterie
