#include "coterie/run/cluster_distances.h"

#include <gtest/gtest.h>

#include <cmath>

namespace coterie {
namespace {

TEST(ClusterDistances, CosineToTheMean) {
  const std::vector<float> rows = {1, 0, 0, 1, 2, 0, 0, 0};
  const std::vector<std::int32_t> labels = {0, 0, 1, 1};  // means (0.5, 0.5) and (1, 0)
  const ClusterDistances distances(DistanceKind::cosine, {rows.data(), 4, 2}, labels, 3, 100);
  const float up[] = {0, 3}, diagonal[] = {7, 7}, back[] = {-1, -1}, nothing[] = {0, 0};
  EXPECT_NEAR(distances.distance(up, 0), 1 - std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(distances.distance(diagonal, 0), 0, 1e-12);
  EXPECT_NEAR(distances.distance(back, 0), 2, 1e-12);
  EXPECT_EQ(distances.distance(up, 1), 1);
  EXPECT_EQ(distances.distance(nothing, 1), 1);
  EXPECT_EQ(distances.threshold(1), 1);  // of the row of zeros
}

TEST(ClusterDistances, EuclideanToTheMean) {
  const std::vector<float> rows = {0, 0, 2, 0, 5, 5};
  const std::vector<std::int32_t> labels = {0, 0, 1};
  const ClusterDistances distances(DistanceKind::euclidean, {rows.data(), 3, 2}, labels, 2, 99);
  const float row[] = {4, 4};
  EXPECT_EQ(distances.distance(row, 0), 5);  // from (1, 0)
  EXPECT_EQ(distances.distance(row, 1), std::sqrt(2.0));
  EXPECT_EQ(distances.threshold(0), 1);
  EXPECT_EQ(distances.threshold(1), 0);
}

TEST(ClusterDistances, ThePercentileOfEachClusterIsItsThreshold) {
  std::vector<float> rows;
  std::vector<std::int32_t> labels;
  for (int i = 1; i <= 50; ++i) {  // mean 0: distances 1, 1, 2, 2, ... 50, 50
    rows.insert(rows.end(), {static_cast<float>(i), static_cast<float>(-i)});
    labels.insert(labels.end(), {0, 0});
  }
  rows.insert(rows.end(), {1000, 3000});  // mean 2000
  labels.insert(labels.end(), {1, 1});
  const ClusterDistances distances(DistanceKind::euclidean, {rows.data(), 102, 1}, labels, 2, 98);
  EXPECT_EQ(distances.threshold(0), 49);
  EXPECT_EQ(distances.threshold(1), 1000);
  EXPECT_TRUE(distances.is_outlier(49.1, 0));
  EXPECT_FALSE(distances.is_outlier(49, 0));
  EXPECT_FALSE(distances.is_outlier(49.1, 1));
}

TEST(ClusterDistances, AClusterWithoutRowsHasNone) {
  const std::vector<float> rows = {1, 2};
  const std::vector<std::int32_t> labels = {0, 0};
  for (const DistanceKind kind : {DistanceKind::cosine, DistanceKind::euclidean}) {
    const ClusterDistances distances(kind, {rows.data(), 2, 1}, labels, 2, 99);
    EXPECT_TRUE(std::isnan(distances.distance(rows.data(), 1)));
    EXPECT_FALSE(distances.is_outlier(distances.distance(rows.data(), 1), 1));
  }
}

}  // namespace
}  // namespace coterie
