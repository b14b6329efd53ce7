#include "coterie/shallow/row_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

TEST(RowSearch, ByHand) {
  const float rows[4] = {0, 1, 3, 7}, queries[3] = {1, 2, 100};
  const Neighbours found = nearest_rows({queries, 3, 1}, {rows, 4, 1}, 2);
  const std::int64_t expected[3][2] = {{1, 0}, {1, 2}, {3, 2}};
  const float distances[3][2] = {{0, 1}, {1, 1}, {93 * 93, 97 * 97}};
  for (int q = 0; q < 3; ++q)
    for (int c = 0; c < 2; ++c) {
      EXPECT_EQ(found.rows(q, c), expected[q][c]);
      EXPECT_EQ(found.distances(q, c), distances[q][c]);
    }
}

TEST(RowSearch, AgreesWithAPlainSearch) {
  // More queries and rows than one block holds, and neither a multiple of it.
  const Blobs rows(1500, 7, 3, 2.0), queries(300, 7, 3, 2.0, 5);
  const Neighbours found = nearest_rows(queries.features, rows.features, 9);
  for (std::int64_t q = 0; q < 300; ++q) {
    std::vector<std::pair<double, std::int64_t>> all;
    for (std::int64_t i = 0; i < 1500; ++i) {
      double distance = 0;
      for (std::int64_t d = 0; d < 7; ++d) {
        const double step = static_cast<double>(queries.features(q, d)) - rows.features(i, d);
        distance += step * step;
      }
      all.emplace_back(distance, i);
    }
    std::sort(all.begin(), all.end());
    for (std::int64_t c = 0; c < 9; ++c) {
      ASSERT_EQ(found.rows(q, c), all[c].second);
      ASSERT_NEAR(found.distances(q, c), all[c].first, 1e-4);
    }
  }
}

TEST(RowSearch, RefusesBadCountsAndWidthsAndStops) {
  const Matrix<float> rows(5, 2), queries(2, 2);
  EXPECT_CONTAINS(user_error_of([&] { nearest_rows(queries, rows, 6); }), "allowed is 1 to 5");
  EXPECT_CONTAINS(user_error_of([&] { nearest_rows(Matrix<float>(2, 3), rows, 1); }), "3");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(nearest_rows(queries, rows, 1, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
