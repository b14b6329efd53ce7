#include "coterie/shallow/neighbour_graph.h"

#include <gtest/gtest.h>

namespace coterie {
namespace {

/// 0, 1, 3, 7, 20 on a line with two neighbours each: 0: 1 3 | 1: 0 3 | 3: 1 0 | 7: 3 1 | 20: 7 3.
std::vector<Edge> edges_by_hand() {
  Matrix<float> x(5, 1);
  x(1, 0) = 1;
  x(2, 0) = 3;
  x(3, 0) = 7;
  x(4, 0) = 20;
  return neighbour_edges(nearest_neighbours(x, 2));
}

TEST(NeighbourEdges, EachPairOnceWithItsKind) {
  const std::vector<Edge> edges = edges_by_hand();
  const struct {
    int first, second;
    float distance;
    bool mutual;
  } expected[] = {{0, 1, 1, true},   {0, 2, 9, true},    {1, 2, 4, true},   {1, 3, 36, false},
                  {2, 3, 16, false}, {2, 4, 289, false}, {3, 4, 169, false}};
  ASSERT_EQ(edges.size(), std::size(expected));
  for (std::size_t e = 0; e < edges.size(); ++e) {
    EXPECT_EQ(edges[e].first, expected[e].first);
    EXPECT_EQ(edges[e].second, expected[e].second);
    EXPECT_EQ(edges[e].distance, expected[e].distance);
    EXPECT_EQ(edges[e].mutual, expected[e].mutual);
  }
}

TEST(SpanningForest, ByHand) {
  // The chain 0-1, 1-3, 3-7, 7-20.
  EXPECT_EQ(spanning_forest(5, edges_by_hand()),
            (std::vector<bool>{true, false, true, false, true, false, true}));
}

TEST(NeighbourGraph, RowsDegreesAndOrder) {
  const std::vector<Edge> edges = edges_by_hand();
  const NeighbourGraph graph(5, edges, std::vector<double>{1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(graph.offsets, (std::vector<std::int64_t>{0, 2, 5, 9, 12, 14}));
  EXPECT_EQ(graph.columns, (std::vector<std::int32_t>{1, 2, 0, 2, 3, 0, 1, 3, 4, 1, 2, 4, 2, 3}));
  EXPECT_EQ(graph.weights, (std::vector<double>{1, 2, 1, 3, 4, 2, 3, 5, 6, 4, 5, 7, 6, 7}));
  EXPECT_EQ(graph.degrees(), (std::vector<double>{3, 8, 16, 16, 13}));
}

TEST(DisjointSets, JoinsAndNumbers) {
  DisjointSets sets(5);
  EXPECT_TRUE(sets.join(4, 1));
  EXPECT_TRUE(sets.join(3, 0));
  EXPECT_FALSE(sets.join(1, 4));
  EXPECT_EQ(sets.sets(), 3);
  EXPECT_EQ(sets.labels(), (std::vector<std::int32_t>{0, 1, 2, 0, 1}));
}

}  // namespace
}  // namespace coterie
