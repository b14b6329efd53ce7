#include "coterie/shallow/graph_eigenvectors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "coterie/core/random.h"
#include "testing.h"

namespace coterie {
namespace {

/// A ring of `count` rows, numbers from `first` on, each linked to the next.
void add_ring(std::int64_t first, std::int64_t count, std::vector<Edge>& edges) {
  edges.push_back({first, first + 1, 1, true});
  edges.push_back({first, first + count - 1, 1, true});
  for (std::int64_t i = 1; i + 1 < count; ++i) edges.push_back({first + i, first + i + 1, 1, true});
}

TEST(GraphEigenvectors, ARingByHand) {
  // Eigenvalues 1 - cos(2 pi j / n): 0 once, the others in pairs. 20 rows are solved densely.
  for (const std::int64_t n : {20, 400}) {
    std::vector<Edge> edges;
    add_ring(0, n, edges);
    const NeighbourGraph graph(n, edges, std::vector<double>(edges.size(), 0.25));
    const GraphEigenvectors found = smallest_laplacian_eigenvectors(graph, 5);
    EXPECT_TRUE(found.converged);
    EXPECT_EQ(found.steps == 0, n == 20);
    for (int c = 0; c < 5; ++c)
      EXPECT_NEAR(found.eigenvalues[c], 1 - std::cos(2 * std::numbers::pi * ((c + 1) / 2) / n),
                  1e-8);
  }
}

TEST(GraphEigenvectors, TheyAreEigenvectorsOfUnitLengthAtRightAngles) {
  RandomStream random(3, "graph");
  const std::int64_t n = 1000;
  std::vector<Edge> edges;
  add_ring(0, n, edges);
  std::vector<double> weights;
  for (std::size_t e = 0; e < edges.size(); ++e) weights.push_back(0.1 + random.uniform());
  for (std::int64_t i = 0; i + 500 < n; ++i) {  // chords, so that there is a gap
    edges.push_back({i, i + 500, 1, false});
    weights.push_back(random.uniform());
  }
  const NeighbourGraph graph(n, edges, weights);
  const std::vector<double> degrees = graph.degrees();
  const GraphEigenvectors found = smallest_laplacian_eigenvectors(graph, 6);
  for (int c = 0; c < 6; ++c) {
    for (int other = 0; other <= c; ++other) {
      double product = 0;
      for (std::int64_t i = 0; i < n; ++i) product += found.vectors(i, c) * found.vectors(i, other);
      EXPECT_NEAR(product, c == other ? 1 : 0, 1e-10);
    }
    double residual = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      double value = found.vectors(i, c);
      for (std::int64_t e = graph.offsets[i]; e < graph.offsets[i + 1]; ++e)
        value -= graph.weights[e] * found.vectors(graph.columns[e], c) /
                 std::sqrt(degrees[i] * degrees[graph.columns[e]]);
      residual += std::pow(value - found.eigenvalues[c] * found.vectors(i, c), 2);
    }
    EXPECT_LT(std::sqrt(residual), 1e-6);
  }
}

TEST(GraphEigenvectors, SeveralPartsHaveEigenvalueZeroEach) {
  std::vector<Edge> edges;
  for (int part = 0; part < 5; ++part) add_ring(100 * part, 100, edges);
  // Row 500 has no edge: a part of its own.
  const NeighbourGraph graph(501, edges, std::vector<double>(edges.size(), 1.0));
  const GraphEigenvectors found = smallest_laplacian_eigenvectors(graph, 7);
  for (int c = 0; c < 6; ++c) EXPECT_NEAR(found.eigenvalues[c], 0, 1e-8);
  EXPECT_NEAR(found.eigenvalues[6], 1 - std::cos(2 * std::numbers::pi / 100), 1e-8);
}

TEST(GraphEigenvectors, Stops) {
  std::vector<Edge> edges;
  add_ring(0, 500, edges);
  CancelToken cancel;
  cancel.cancel();
  const NeighbourGraph graph(500, edges, std::vector<double>(edges.size(), 1.0));
  EXPECT_THROW(smallest_laplacian_eigenvectors(graph, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
