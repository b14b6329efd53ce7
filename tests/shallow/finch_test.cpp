#include "coterie/shallow/finch.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coterie/metrics/scores.h"
#include "coterie/metrics/silhouette.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

using Labels = std::vector<std::int32_t>;

Matrix<float> on_a_line(const std::vector<float>& values) {
  Matrix<float> x(static_cast<std::int64_t>(values.size()), 1);
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

TEST(Finch, HierarchyByHand) {
  // First neighbours: 0-1, 1-0, 3-1 | 10-11, 11-10 | 30-32, 32-30, 35-32 | 50-52, 52-50.
  // Means 4/3, 10.5, 97/3, 51: 4/3-10.5, 10.5-4/3, 97/3-51 (18.67, the other way 21.83), 51-97/3.
  const Matrix<float> x = on_a_line({0, 1, 3, 10, 11, 30, 32, 35, 50, 52});
  Finch finch;
  finch.fit(x, 2);
  ASSERT_EQ(finch.levels().size(), 2u);
  EXPECT_EQ(finch.levels()[0].labels, (Labels{0, 0, 0, 1, 1, 2, 2, 2, 3, 3}));
  EXPECT_EQ(finch.levels()[0].sizes, (std::vector<std::int64_t>{3, 2, 3, 2}));
  EXPECT_EQ(finch.levels()[1].labels, (Labels{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}));
  EXPECT_EQ(finch.chosen_level(), 1);
  EXPECT_EQ(finch.predict(x).labels, (Labels{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}));
}

TEST(Finch, MergesTheNearestMeansDownToK) {
  // From the four clusters above: the nearest means are 4/3 and 10.5.
  const Matrix<float> x = on_a_line({0, 1, 3, 10, 11, 30, 32, 35, 50, 52});
  Finch finch;
  EXPECT_EQ(finch.fit(x, 3).labels, (Labels{0, 0, 0, 0, 0, 1, 1, 1, 2, 2}));
  EXPECT_EQ(finch.chosen_level(), 0);
}

TEST(Finch, MoreClustersThanTheFirstLevelMergesSingleRows) {
  const Matrix<float> x = on_a_line({0, 1, 3, 10, 11, 30, 32, 35, 50, 52});
  Finch finch;
  // Ten rows to seven: 0-1 and 10-11 (both 1), then 0.5-3 (6.25) stands behind 30-32 (4).
  EXPECT_EQ(finch.fit(x, 7).labels, (Labels{0, 0, 1, 2, 2, 3, 3, 4, 5, 6}));
  EXPECT_EQ(finch.chosen_level(), -1);
  EXPECT_EQ(finch.fit(x, 10).labels, (Labels{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Finch, FindsSeparatedBlobs) {
  const Blobs blobs(600, 6, 6, 20.0);
  EXPECT_EQ(accuracy(Finch().fit(blobs.features, 6).labels, blobs.truth), 1.0);
}

TEST(Finch, TakesTheLevelOfTheHighestSilhouette) {
  const Blobs blobs(600, 6, 6, 20.0);
  Finch finch;
  finch.fit(blobs.features, 0);
  const auto& levels = finch.levels();
  ASSERT_GE(levels.size(), 3u);
  double highest = -1;
  int best = -1;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    if (l > 0) {
      EXPECT_LE(2 * levels[l].clusters(), levels[l - 1].clusters());
    }
    if (levels[l].clusters() > 24) {  // sqrt(600)
      EXPECT_TRUE(std::isnan(levels[l].silhouette));
      continue;
    }
    const double score = silhouette(blobs.features, levels[l].labels);
    EXPECT_NEAR(levels[l].silhouette, score, 1e-12);
    if (score > highest) highest = score, best = static_cast<int>(l);
  }
  EXPECT_EQ(finch.chosen_level(), best);
  EXPECT_EQ(finch.clusters(), levels[best].clusters());
}

TEST(Finch, CosineLooksAtDirections) {
  // Two rays; lengths differ far more than the rays do.
  Matrix<float> x(40, 2);
  for (std::int64_t i = 0; i < 40; ++i) {
    const float length = 1.0f + static_cast<float>(i * i);
    const float angle = (i % 2 == 0 ? 0.1f : 1.2f) + 0.001f * static_cast<float>(i % 7);
    x(i, 0) = length * std::cos(angle);
    x(i, 1) = length * std::sin(angle);
  }
  for (const std::int64_t clusters : {0, 2}) {
    const Assignment found = Finch({.distance = FinchDistance::cosine}).fit(x, clusters);
    for (std::int64_t i = 0; i < 40; ++i) EXPECT_EQ(found.labels[i], found.labels[i % 2]);
    EXPECT_NE(found.labels[0], found.labels[1]);
  }
}

TEST(Finch, EqualRowsStayTogether) {
  Matrix<float> x(60, 2);  // 30 times (0, 0), 28 times (5, 5), and two others
  for (std::int64_t i = 30; i < 58; ++i) x(i, 0) = x(i, 1) = 5;
  x(58, 0) = 1;
  x(59, 1) = 9;
  for (const std::int64_t clusters : {0, 2, 3, 4}) {
    Finch finch;
    const Assignment found = finch.fit(x, clusters);
    for (std::int64_t i = 0; i < 58; ++i) EXPECT_EQ(found.labels[i], found.labels[i < 30 ? 0 : 30]);
    EXPECT_NE(found.labels[0], found.labels[30]);
    EXPECT_EQ(finch.clusters(), clusters == 0 ? 2 : clusters);
  }
}

TEST(Finch, TwoRows) {
  const Assignment found = Finch().fit(on_a_line({1, 4}), 0);
  EXPECT_EQ(found.labels, (Labels{0, 1}));
}

TEST(Finch, PredictRepeatsTheFitAndSurvivesSaving) {
  const Blobs blobs(333, 5, 4, 3.0);
  Finch finch, loaded;
  const Assignment fitted = finch.fit(blobs.features, 5, {.seed = 3});
  loaded.load(finch.save());
  const Assignment again = finch.fit(blobs.features, 5, {.seed = 3});
  for (const Assignment& other :
       {finch.predict(blobs.features), loaded.predict(blobs.features), again}) {
    EXPECT_EQ(other.labels, fitted.labels);
    for (std::int64_t i = 0; i < fitted.probabilities.size(); ++i)
      ASSERT_EQ(other.probabilities.data()[i], fitted.probabilities.data()[i]);
  }
}

TEST(Finch, RefusesBadInputAndStops) {
  const Blobs blobs(20, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { Finch().fit(blobs.features, 1); }), "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { Finch().fit(Matrix<float>(9, 2), 0); }),
                  "nothing to cluster");
  EXPECT_CONTAINS(user_error_of([&] { Finch({.silhouette_rows = 1}); }), "silhouette_rows");
  EXPECT_CONTAINS(user_error_of([&] { Finch().predict(blobs.features); }), "not trained");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(Finch().fit(blobs.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
