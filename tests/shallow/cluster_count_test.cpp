#include "coterie/shallow/cluster_count.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coterie/shallow/kmeans.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;

std::vector<std::int32_t> by_kmeans(ConstFeatures rows, std::int64_t clusters, std::uint64_t seed) {
  return KMeans({.restarts = 3}).fit(rows, clusters, {.seed = seed}).labels;
}

TEST(ClusterCount, FindsTheNumberOfBlobs) {
  for (const std::int64_t count : {2, 5, 9}) {
    const Blobs blobs(1000, 5, count, 8.0);
    const auto choice = choose_cluster_count(
        blobs.features, by_kmeans, {.most = 12, .sample_rows = 400, .references = 2, .splits = 2},
        {.seed = 1});
    EXPECT_EQ(choice.clusters, count) << choice.reason;
    ASSERT_EQ(choice.curve.size(), 11u);
    EXPECT_NEAR(choice.curve[count - 2].stability, 1.0, 0.02);
  }
}

TEST(ClusterCount, GapOfFourPointsByHand) {
  // Points 0, 1, 10, 11 in two clusters: dispersion 2 * (0.25 + 0.25) = 1, whose log is 0. So the
  // gap is the references' own log dispersion, which a method that always cuts at the middle rank
  // gives from its own numbers.
  Matrix<float> x(4, 1);
  x(1, 0) = 1;
  x(2, 0) = 10;
  x(3, 0) = 11;
  std::vector<double> logs;
  const LabelRows halves = [&](ConstFeatures rows, std::int64_t, std::uint64_t) {
    std::vector<std::int32_t> labels(static_cast<std::size_t>(rows.rows));
    double centre[2] = {}, size[2] = {}, total = 0;
    for (std::int64_t i = 0; i < rows.rows; ++i) {
      labels[i] = i >= rows.rows / 2;
      centre[labels[i]] += rows(i, 0);
      size[labels[i]] += 1;
    }
    for (std::int64_t i = 0; i < rows.rows; ++i)
      total += std::pow(rows(i, 0) - centre[labels[i]] / size[labels[i]], 2);
    if (rows.rows == 4) logs.push_back(std::log(total));
    return labels;
  };
  const auto choice =
      choose_cluster_count(x, halves, {.most = 2, .references = 3, .splits = 1}, {});
  ASSERT_EQ(logs.size(), 4u);  // the sample, then three references
  EXPECT_NEAR(logs[0], 0.0, 1e-12);
  EXPECT_NEAR(choice.curve[0].gap, (logs[1] + logs[2] + logs[3]) / 3, 1e-9);
}

TEST(ClusterCount, DecidesBySilhouetteTimesStability) {
  const auto choice = choose_from_curve({{2, 0.50, 1.0, 0.1, 0.5},
                                         {3, 0.40, 2.0, 0.1, 0.9},
                                         {4, 0.45, 1.5, 0.1, 0.7},
                                         {5, 0.41, 1.0, 0.1, 0.8}});
  EXPECT_EQ(choice.clusters, 3);  // 0.25, 0.36, 0.315, 0.328
  EXPECT_CONTAINS(choice.reason, "0.400 x 0.900");
  EXPECT_CONTAINS(choice.reason, "the gap statistic says 3");
  EXPECT_CONTAINS(choice.reason, "worth a look: 5");
  const auto rising = choose_from_curve({{2, -0.5, 1, 0, 1}, {3, -0.4, 2, 0, 1}});
  EXPECT_EQ(rising.clusters, 3);
  EXPECT_CONTAINS(rising.reason, "still rises");
}

TEST(ClusterCount, FewRowsAndBadInput) {
  const Blobs few(6, 2, 2, 20.0);
  const auto choice = choose_cluster_count(few.features, by_kmeans, {}, {});
  EXPECT_GE(choice.clusters, 2);
  EXPECT_LE(choice.clusters, 3);
  EXPECT_CONTAINS(
      testing::user_error_of([&] { choose_cluster_count(Matrix<float>(9, 2), by_kmeans, {}, {}); }),
      "nothing to cluster");
  // Two different rows, of which a part of the rows has one alone.
  Matrix<float> lonely(100, 2);
  lonely(41, 0) = 5;
  EXPECT_EQ(choose_cluster_count(lonely, by_kmeans, {}, {}).clusters, 2);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(choose_cluster_count(few.features, by_kmeans, {}, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
