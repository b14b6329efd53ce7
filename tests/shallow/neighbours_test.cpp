#include "coterie/shallow/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "coterie/core/parallel.h"
#include "coterie/shallow/row_search.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

TEST(Neighbours, ByHand) {
  Matrix<float> x(4, 1);  // 0, 1, 3, 7 on a line
  x(1, 0) = 1;
  x(2, 0) = 3;
  x(3, 0) = 7;
  const Neighbours found = nearest_neighbours(x, 2, {});
  const std::int64_t rows[4][2] = {{1, 2}, {0, 2}, {1, 0}, {2, 1}};
  const float distances[4][2] = {{1, 9}, {1, 4}, {4, 9}, {16, 36}};
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 2; ++j) {
      EXPECT_EQ(found.rows(i, j), rows[i][j]);
      EXPECT_NEAR(found.distances(i, j), distances[i][j], 1e-5);
    }
}

TEST(Neighbours, AgreesWithAPlainSearch) {
  const Blobs blobs(700, 9, 4, 2.0);
  const Neighbours found = nearest_neighbours(blobs.features, 12, {});
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

TEST(Neighbours, CoincidingRowsAreNotTheirOwnNeighbours) {
  const Neighbours found = nearest_neighbours(Matrix<float>(20, 3), 19, {});
  for (std::int64_t i = 0; i < 20; ++i) {
    std::vector<std::int64_t> rows(found.rows.row(i), found.rows.row(i) + 19);
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(std::unique(rows.begin(), rows.end()), rows.end());
    EXPECT_FALSE(std::binary_search(rows.begin(), rows.end(), i));
  }
}

TEST(Neighbours, RefusesBadCountsAndStops) {
  const Blobs blobs(10, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { nearest_neighbours(blobs.features, 0, {}); }),
                  "allowed is 1 to 9");
  EXPECT_CONTAINS(user_error_of([&] { nearest_neighbours(blobs.features, 10, {}); }),
                  "10 neighbours");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(nearest_neighbours(blobs.features, 3, {}, {.cancel = &cancel}), Interrupted);
}

/// Squared distance of two rows, of their unit vectors where `cosine`, in double.
double plain_distance(const Matrix<float>& x, std::int64_t i, std::int64_t j, bool cosine) {
  double xx = 0, yy = 0, xy = 0;
  for (std::int64_t d = 0; d < x.cols(); ++d) {
    xx += static_cast<double>(x(i, d)) * x(i, d);
    yy += static_cast<double>(x(j, d)) * x(j, d);
    xy += static_cast<double>(x(i, d)) * x(j, d);
  }
  return cosine ? 2 - 2 * xy / std::sqrt(xx * yy) : xx + yy - 2 * xy;
}

TEST(Neighbours, EveryPairOfBlocksIsSeen) {
  // 2 to 5 blocks of 512 rows: an even number of them has pairs that lie half a circle apart.
  for (const std::int64_t n : {600, 1500, 1700, 2100}) {
    const Blobs blobs(n, 3, 2, 1.0);
    for (const bool cosine : {false, true}) {
      const Neighbours found = nearest_neighbours(blobs.features, 1, {.cosine = cosine});
      for (std::int64_t i = 0; i < n; i += 7) {
        double least = 1e30;
        for (std::int64_t j = 0; j < n; ++j)
          if (j != i) least = std::min(least, plain_distance(blobs.features, i, j, cosine));
        ASSERT_NEAR(found.distances(i, 0), least, 1e-5) << n << " rows, row " << i;
        ASSERT_NEAR(plain_distance(blobs.features, i, found.rows(i, 0), cosine), least, 1e-5);
      }
    }
  }
}

TEST(Neighbours, AFarRowDoesNotBlurTheOthers) {
  // Two groups at 0 and 1, and a row so far away that in float, less the mean, the groups are one.
  const Blobs noise(200, 2, 1);
  Matrix<float> x(201, 2);
  for (std::int64_t i = 0; i < 200; ++i)
    for (std::int64_t d = 0; d < 2; ++d)
      x(i, d) = static_cast<float>(i % 2) + 1e-4f * noise.features(i, d);
  x(200, 0) = x(200, 1) = 1e6f;
  Matrix<float> queries(1, 2);
  queries(0, 0) = queries(0, 1) = 0.9f;
  const Neighbours found = nearest_neighbours(x, 5);
  for (std::int64_t i = 0; i < 200; ++i)
    for (std::int64_t k = 0; k < 5; ++k) ASSERT_EQ(found.rows(i, k) % 2, i % 2) << i;
  const Neighbours of_query = nearest_rows(queries, x, 50);
  for (std::int64_t k = 0; k < 50; ++k) EXPECT_EQ(of_query.rows(0, k) % 2, 1);
}

TEST(Neighbours, DistancesFarFromTheOriginAreExact) {
  // Rows 1000 and 1000 + 2^-10 i: float products of such rows alone would lose the steps.
  Matrix<float> x(50, 1);
  for (std::int64_t i = 0; i < 50; ++i) x(i, 0) = 1000.0f + static_cast<float>(i * i) / 1024.0f;
  const Neighbours found = nearest_neighbours(x, 1);
  for (std::int64_t i = 1; i < 50; ++i) {
    EXPECT_EQ(found.rows(i, 0), i - 1);
    const float step = static_cast<float>(2 * i - 1) / 1024.0f;
    EXPECT_EQ(found.distances(i, 0), step * step);
  }
}

TEST(Neighbours, ApproximateFindsNearlyAllAndTheSameEachTime) {
  const Blobs blobs(6000, 10, 20, 3.0);
  const NeighbourOptions approximate{.search = NeighbourSearch::approximate};
  Neighbours found, again;
  try {
    found = nearest_neighbours(blobs.features, 5, approximate);
    again = nearest_neighbours(blobs.features, 5, approximate);
  } catch (const UserError& error) {
    EXPECT_CONTAINS(error.what(), "need FAISS");
    return;
  }
  const Neighbours exact = nearest_neighbours(blobs.features, 5);
  std::int64_t hits = 0;
  for (std::int64_t i = 0; i < 6000; ++i)
    for (std::int64_t c = 0; c < 5; ++c) {
      ASSERT_EQ(found.rows(i, c), again.rows(i, c));
      ASSERT_NE(found.rows(i, c), i);
      ASSERT_NEAR(found.distances(i, c), plain_distance(blobs.features, i, found.rows(i, c), false),
                  1e-4);
      hits += std::count(exact.rows.row(i), exact.rows.row(i) + 5, found.rows(i, c));
    }
  EXPECT_GT(hits, 0.95 * 30000);
}

TEST(Neighbours, ApproximateSearchesEverywhereWhereListsAreShort) {
  const Blobs blobs(100, 2, 3);
  try {
    const Neighbours found =
        nearest_neighbours(blobs.features, 99, {.search = NeighbourSearch::approximate});
    for (std::int64_t i = 0; i < 100; ++i) {
      std::vector<std::int64_t> rows(found.rows.row(i), found.rows.row(i) + 99);
      std::sort(rows.begin(), rows.end());
      EXPECT_EQ(std::unique(rows.begin(), rows.end()), rows.end());
      EXPECT_FALSE(std::binary_search(rows.begin(), rows.end(), i));
    }
  } catch (const UserError& error) {
    EXPECT_CONTAINS(error.what(), "need FAISS");
  }
}

TEST(Neighbours, TheSameWhateverTheThreads) {
  const Blobs blobs(3000, 20, 5, 2.0);
  const Neighbours first = nearest_neighbours(blobs.features, 5);
  const int threads = thread_count();
  set_thread_count(1);
  const Neighbours second = nearest_neighbours(blobs.features, 5);
  set_thread_count(threads);
  for (std::int64_t i = 0; i < first.rows.size(); ++i) {
    ASSERT_EQ(first.rows.data()[i], second.rows.data()[i]);
    ASSERT_EQ(first.distances.data()[i], second.distances.data()[i]);
  }
}

}  // namespace
}  // namespace coterie
