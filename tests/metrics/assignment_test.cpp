#include "coterie/metrics/assignment.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "coterie/core/random.h"
#include "testing.h"

namespace coterie {
namespace {

using Columns = std::vector<std::int64_t>;

Matrix<double> matrix(std::int64_t rows, std::int64_t cols, std::vector<double> values) {
  Matrix<double> out(rows, cols);
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

double total(const Matrix<double>& cost, const Columns& columns) {
  double sum = 0;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] >= 0) sum += cost(static_cast<std::int64_t>(i), columns[i]);
  return sum;
}

/// The least cost over all ways to pair the shorter side, by trying every order of the longer.
double least_by_trial(const Matrix<double>& cost) {
  const bool wide = cost.rows() <= cost.cols();
  const std::int64_t pairs = std::min(cost.rows(), cost.cols());
  Columns order(std::max(cost.rows(), cost.cols()));
  std::iota(order.begin(), order.end(), 0);
  double least = std::numeric_limits<double>::infinity();
  do {
    double sum = 0;
    for (std::int64_t i = 0; i < pairs; ++i) sum += wide ? cost(i, order[i]) : cost(order[i], i);
    least = std::min(least, sum);
  } while (std::next_permutation(order.begin(), order.end()));
  return least;
}

TEST(Assignment, TextbookCaseByHand) {
  // Worker 0 takes job 1 (1), 1 takes 0 (2), 2 takes 2 (2): 5; any other order costs 6 or more.
  EXPECT_EQ(min_cost_assignment(matrix(3, 3, {4, 1, 3, 2, 0, 5, 3, 2, 2})), (Columns{1, 0, 2}));
}

TEST(Assignment, GreedyWouldBeWrong) {
  // The cheapest cell (0, 0) forces the costliest one.
  EXPECT_EQ(min_cost_assignment(matrix(2, 2, {0, 1, 1, 100})), (Columns{1, 0}));
}

TEST(Assignment, MoreRowsThanColumnsLeavesRowsWithoutOne) {
  EXPECT_EQ(min_cost_assignment(matrix(4, 2, {9, 9, 1, 9, 9, 9, 9, 1})), (Columns{-1, 0, -1, 1}));
}

TEST(Assignment, MoreColumnsThanRows) {
  EXPECT_EQ(min_cost_assignment(matrix(2, 4, {9, 9, 1, 9, 9, 9, 0, 1})), (Columns{2, 3}));
}

TEST(Assignment, NegativeCosts) {
  EXPECT_EQ(min_cost_assignment(matrix(2, 2, {-5, -4, -4, 0})), (Columns{1, 0}));
}

TEST(Assignment, EmptySides) {
  EXPECT_EQ(min_cost_assignment(Matrix<double>(0, 3)), Columns{});
  EXPECT_EQ(min_cost_assignment(Matrix<double>(3, 0)), (Columns{-1, -1, -1}));
}

TEST(Assignment, CostsOfTenMillionStayExact) {
  EXPECT_EQ(min_cost_assignment(matrix(2, 2, {-10000000, -10000001, -9999999, -10000001})),
            (Columns{0, 1}));
}

TEST(Assignment, RefusesCostsThatAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto message = testing::user_error_of([&] {
    min_cost_assignment(matrix(2, 2, {0, 1, nan, 3}));
  });
  EXPECT_CONTAINS(message, "row 1, column 0");
  EXPECT_CONTAINS(message, "finite");
}

TEST(Assignment, EqualsTrialOfAllOrdersOnRandomMatrices) {
  RandomStream random(3, "assignment");
  for (int round = 0; round < 1500; ++round) {
    const std::int64_t rows = 1 + random.below(6), cols = 1 + random.below(6);
    const bool whole = round % 2 == 0;  // Whole numbers make many ties.
    Matrix<double> cost(rows, cols);
    for (std::int64_t i = 0; i < cost.size(); ++i)
      cost.data()[i] = whole ? static_cast<double>(random.below(5)) - 2 : random.normal();
    const auto columns = min_cost_assignment(cost);
    ASSERT_EQ(static_cast<std::int64_t>(columns.size()), rows);
    std::set<std::int64_t> used;
    for (const auto column : columns)
      if (column >= 0) {
        ASSERT_LT(column, cols);
        ASSERT_TRUE(used.insert(column).second) << "column " << column << " twice";
      }
    ASSERT_EQ(static_cast<std::int64_t>(used.size()), std::min(rows, cols));
    ASSERT_NEAR(total(cost, columns), least_by_trial(cost), 1e-12) << "round " << round;
  }
}

TEST(Assignment, FindsAHiddenOrderAmongThreeHundred) {
  RandomStream random(8, "hidden");
  Columns hidden(300);
  std::iota(hidden.begin(), hidden.end(), 0);
  random.shuffle(std::span(hidden));
  Matrix<double> cost(300, 300);
  for (std::int64_t i = 0; i < cost.size(); ++i) cost.data()[i] = 1 + random.uniform();
  for (std::int64_t i = 0; i < 300; ++i) cost(i, hidden[i]) = random.uniform();
  EXPECT_EQ(min_cost_assignment(cost), hidden);
}

TEST(MatchedClusters, KeepTheNumbersOfAsManyRowsAsCanBe) {
  // Cluster 0 of the new is mostly 2 of the old, 1 is 0, 2 is 1.
  EXPECT_EQ(matched_clusters({2, 2, 0, 0, 1, 1, 1}, {0, 0, 1, 1, 2, 2, 0}, 3),
            (std::vector<std::int64_t>{2, 0, 1}));
}

}  // namespace
}  // namespace coterie
