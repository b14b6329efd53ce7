#include "coterie/shallow/assignment.h"

#include <gtest/gtest.h>

#include <limits>

#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;

/// Rows of one column.
Matrix<float> column(const std::vector<float>& values) {
  Matrix<float> x(static_cast<std::int64_t>(values.size()), 1);
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

TEST(DistinctRows, AreCountedUpToALimit) {
  EXPECT_EQ(count_distinct_rows(column({1, 2, 1, 3, 2}), 10), 3);
  EXPECT_EQ(count_distinct_rows(column({1, 2, 1, 3, 2}), 2), 2);
  EXPECT_EQ(count_distinct_rows(column({0.0f, -0.0f}), 10), 1);
  EXPECT_EQ(count_distinct_rows(Matrix<float>(0, 3), 10), 0);
}

TEST(DistinctRows, LookAtEveryColumn) {
  Matrix<float> x(4, 3);
  x(0, 2) = x(1, 2) = 1;
  x(2, 0) = 1;
  EXPECT_EQ(count_distinct_rows(x, 10), 3);
}

TEST(ClusteringInput, RefusesMoreClustersThanDistinctRows) {
  const std::string some = user_error_of([] { check_clustering_input(column({5, 7, 5, 7}), 3); });
  EXPECT_CONTAINS(some, "3 clusters were asked for, but only 2 of the 4 rows differ");
  EXPECT_CONTAINS(some, "ask for 2 to 2");
  EXPECT_CONTAINS(user_error_of([] {
                    check_clustering_input(column({5, 5, 5}), 2);
                  }),
                  "nothing to cluster");
  EXPECT_NO_THROW(check_clustering_input(column({5, 7, 5, 7}), 2));
}

TEST(ClusteringInput, NamesTheFirstValueThatIsNoNumber) {
  Matrix<float> x(3000, 4);
  x(2001, 3) = std::numeric_limits<float>::infinity();
  x(1500, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CONTAINS(user_error_of([&] { check_features(x); }), "row 1500, column 2 holds nan");
  x(3, 1) = -2e20f;
  EXPECT_CONTAINS(user_error_of([&] { check_features(x); }), "row 3, column 1 holds -2e+20");
  x(3, 1) = -1e15f;
  EXPECT_CONTAINS(user_error_of([&] { check_features(x); }), "row 1500, column 2");
}

TEST(ClusteringInput, RefusesFeaturesWhoseSquaresWouldVanish) {
  EXPECT_CONTAINS(user_error_of([] {
                    check_clustering_input(column({1e-19f, 0, -2e-19f}), 2);
                  }),
                  "no feature is larger than 2e-19 in size");
  EXPECT_NO_THROW(check_clustering_input(column({1e-19f, 0, 1}), 2));
}

TEST(Labels, AreCountedByCluster) {
  EXPECT_EQ(cluster_sizes({2, 0, 2, 2}, 4), (std::vector<std::int64_t>{1, 0, 3, 0}));
}

TEST(Labels, AreNumberedInTheOrderOfTheirAppearance) {
  EXPECT_EQ(numbered_by_appearance({7, 7, 0, 3, 0, 7}),
            (std::vector<std::int32_t>{0, 0, 1, 2, 1, 0}));
  EXPECT_TRUE(numbered_by_appearance({}).empty());
}

}  // namespace
}  // namespace coterie
