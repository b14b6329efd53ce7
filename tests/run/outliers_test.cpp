#include "coterie/run/outliers.h"

#include <gtest/gtest.h>

#include <numeric>

#include "coterie/core/random.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;

TEST(Outliers, ScoresAreMeanDistancesOverTheUsualOne) {
  // Mean distances to the two others: 5.5, 5 and 9.5; the median is 5.5.
  const std::vector<float> rows = {0, 1, 10};
  const auto scores = outlier_scores({rows.data(), 3, 1});
  EXPECT_NEAR(scores[0], 1, 1e-6);
  EXPECT_NEAR(scores[1], 5 / 5.5, 1e-6);
  EXPECT_NEAR(scores[2], 9.5 / 5.5, 1e-6);
}

TEST(Outliers, TenNeighboursCount) {
  std::vector<float> rows(12);
  std::iota(rows.begin(), rows.end(), 0.0f);
  const auto scores = outlier_scores({rows.data(), 12, 1});
  // Row 0 has 1..10 at mean 5.5, row 5 has five on each side at mean 3; 0 and 11 mirror each other.
  EXPECT_NEAR(scores[0] / scores[5], 5.5 / 3, 1e-6);
  EXPECT_EQ(scores[0], scores[11]);
}

TEST(Outliers, PlantedOnesComeFirst) {
  RandomStream stream(3, "outliers");
  constexpr std::int64_t kRows = 600, kPlanted = 6, kColumns = 8;
  Matrix<float> rows(kRows, kColumns);
  for (std::int64_t i = 0; i < kRows; ++i)
    for (std::int64_t d = 0; d < kColumns; ++d)
      rows(i, d) = static_cast<float>(stream.normal() + (i % 3) * 20 * (d == 0));
  // Each planted row far from all, and from the other planted ones.
  for (std::int64_t p = 0; p < kPlanted; ++p) rows(p * 97, p + 2) += 15;
  const auto scores = outlier_scores(rows);
  std::vector<std::int64_t> order(kRows);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
  order.resize(kPlanted);
  std::sort(order.begin(), order.end());
  for (std::int64_t p = 0; p < kPlanted; ++p) EXPECT_EQ(order[p], p * 97);
}

TEST(Outliers, EqualRowsAndTooFew) {
  std::vector<float> rows(20, 1.0f);
  EXPECT_EQ(outlier_scores({rows.data(), 20, 1}), std::vector<double>(20, 0.0));
  rows.back() = 5;  // Most rows repeat ten others: the mean is what is usual.
  const auto scores = outlier_scores({rows.data(), 20, 1});
  EXPECT_NEAR(scores[19], 20, 1e-6);
  EXPECT_EQ(scores[0], 0);
  EXPECT_CONTAINS(user_error_of([&] { outlier_scores({rows.data(), 1, 1}); }), "at least 2");
}

}  // namespace
}  // namespace coterie
