#include "coterie/shallow/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

using Search = Neighbours (*)(ConstFeatures, std::int64_t, const ShallowContext&);

/// Both ways to search: the build's own choice, and without FAISS.
class NeighbourSearch : public ::testing::TestWithParam<Search> {};

TEST_P(NeighbourSearch, ByHand) {
  Matrix<float> x(4, 1);  // 0, 1, 3, 7 on a line
  x(1, 0) = 1;
  x(2, 0) = 3;
  x(3, 0) = 7;
  const Neighbours found = GetParam()(x, 2, {});
  const std::int64_t rows[4][2] = {{1, 2}, {0, 2}, {1, 0}, {2, 1}};
  const float distances[4][2] = {{1, 9}, {1, 4}, {4, 9}, {16, 36}};
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 2; ++j) {
      EXPECT_EQ(found.rows(i, j), rows[i][j]);
      EXPECT_NEAR(found.distances(i, j), distances[i][j], 1e-5);
    }
}

TEST_P(NeighbourSearch, AgreesWithAPlainSearch) {
  const Blobs blobs(700, 9, 4, 2.0);
  const Neighbours found = GetParam()(blobs.features, 12, {});
  for (std::int64_t i = 0; i < 700; ++i) {
    std::vector<std::pair<double, std::int64_t>> all;
    for (std::int64_t j = 0; j < 700; ++j) {
      double distance = 0;
      for (std::int64_t d = 0; d < 9; ++d) {
        const double step = static_cast<double>(blobs.features(i, d)) - blobs.features(j, d);
        distance += step * step;
      }
      if (j != i) all.emplace_back(distance, j);
    }
    std::sort(all.begin(), all.end());
    for (std::int64_t k = 0; k < 12; ++k) {
      ASSERT_NEAR(found.distances(i, k), all[k].first, 1e-3) << "row " << i;
      // Rows whose distances nearly tie may stand in either order.
      const bool apart = k > 0 && k < 11 && all[k].first - all[k - 1].first > 1e-3 &&
                         all[k + 1].first - all[k].first > 1e-3;
      if (apart) {
        ASSERT_EQ(found.rows(i, k), all[k].second) << "row " << i;
      }
    }
  }
}

TEST_P(NeighbourSearch, CoincidingRowsAreNotTheirOwnNeighbours) {
  const Neighbours found = GetParam()(Matrix<float>(20, 3), 19, {});
  for (std::int64_t i = 0; i < 20; ++i) {
    std::vector<std::int64_t> rows(found.rows.row(i), found.rows.row(i) + 19);
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(std::unique(rows.begin(), rows.end()), rows.end());
    EXPECT_FALSE(std::binary_search(rows.begin(), rows.end(), i));
  }
}

TEST_P(NeighbourSearch, RefusesBadCountsAndStops) {
  const Blobs blobs(10, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { GetParam()(blobs.features, 0, {}); }), "allowed is 1 to 9");
  EXPECT_CONTAINS(user_error_of([&] { GetParam()(blobs.features, 10, {}); }), "10 neighbours");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(GetParam()(blobs.features, 3, {.cancel = &cancel}), Interrupted);
}

INSTANTIATE_TEST_SUITE_P(Ways, NeighbourSearch,
                         ::testing::Values(&nearest_neighbours, &nearest_neighbours_blocked),
                         [](const auto& way) {
                           return std::string(way.index == 0 ? "build_choice" : "blocked");
                         });

}  // namespace
}  // namespace coterie
