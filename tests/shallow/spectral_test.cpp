#include "coterie/shallow/spectral.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "coterie/metrics/scores.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

/// Two rings, one inside the other: no k-means finds them.
struct Rings {
  explicit Rings(std::int64_t rows) : features(rows, 2), truth(static_cast<std::size_t>(rows)) {
    for (std::int64_t i = 0; i < rows; ++i) {
      truth[i] = static_cast<std::int32_t>(i % 3 == 0 ? 0 : 1);
      const double radius = truth[i] == 0 ? 1.0 : 3.0;
      const double angle =
          2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(rows);
      features(i, 0) = static_cast<float>(radius * std::cos(angle));
      features(i, 1) = static_cast<float>(radius * std::sin(angle));
    }
  }
  Matrix<float> features;
  std::vector<std::int32_t> truth;
};

TEST(Spectral, FindsRings) {
  for (const std::int64_t rows : {150, 900})
    for (const SpectralAffinity affinity :
         {SpectralAffinity::connectivity, SpectralAffinity::self_tuning}) {
      const Rings rings(rows);
      Spectral spectral({.affinity = affinity});
      EXPECT_EQ(accuracy(spectral.fit(rings.features, 2).labels, rings.truth), 1.0);
      // Two parts: two eigenvalues 0, the third above.
      ASSERT_EQ(spectral.eigenvalues().size(), 3u);
      EXPECT_NEAR(spectral.eigenvalues()[1], 0, 1e-8);
      EXPECT_GT(spectral.eigenvalues()[2], 1e-4);
    }
}

TEST(Spectral, LandmarksFindRings) {
  const Rings rings(900);
  Spectral spectral(
      {.graph = SpectralGraph::landmarks, .landmarks = 120, .landmark_neighbours = 3});
  EXPECT_EQ(accuracy(spectral.fit(rings.features, 2).labels, rings.truth), 1.0);
}

TEST(Spectral, FindsTheNumberOfBlobs) {
  const Blobs blobs(700, 7, 7, 9.0);
  for (const SpectralGraph graph : {SpectralGraph::neighbours, SpectralGraph::landmarks}) {
    Spectral spectral({.graph = graph, .landmarks = 100});
    const Assignment found = spectral.fit(blobs.features, 0);
    EXPECT_EQ(spectral.clusters(), 7);
    EXPECT_EQ(spectral.eigenvalues().size(), 21u);
    EXPECT_EQ(accuracy(found.labels, blobs.truth), 1.0);
  }
}

TEST(Spectral, MorePartsThanClustersAreMerged) {
  // Four groups far apart, at 0, 10, 100 and 104: two neighbours link none of them.
  Matrix<float> x(40, 1);
  const float places[] = {0, 10, 100, 104};
  for (std::int64_t i = 0; i < 40; ++i)
    x(i, 0) = places[i / 10] + 0.01f * static_cast<float>(i % 10);
  const Assignment found = Spectral({.neighbours = 2}).fit(x, 2);
  for (std::int64_t i = 0; i < 40; ++i) EXPECT_EQ(found.labels[i], found.labels[i < 20 ? 0 : 20]);
  EXPECT_NE(found.labels[0], found.labels[20]);
}

TEST(Eigengap, ByHand) {
  EXPECT_EQ(clusters_by_eigengap(std::vector<double>{0, 0.1, 0.11, 0.5, 0.6}), 3);
  // The gap after the first never counts; of equal gaps the first.
  EXPECT_EQ(clusters_by_eigengap(std::vector<double>{0, 0.5, 0.75, 1.0}), 2);
  EXPECT_CONTAINS(user_error_of([] {
                    clusters_by_eigengap(std::vector<double>{0, 1});
                  }),
                  "allowed is 3 or more");
}

TEST(Spectral, EqualRowsDoNotPartTheGraph) {
  // Each of 30 places on a line 20 times: with ten neighbours equal rows would see each other only.
  Matrix<float> x(600, 1);
  for (std::int64_t i = 0; i < 600; ++i)
    x(i, 0) = static_cast<float>(i % 30) + (i % 30 < 15 ? 0.0f : 100.0f);
  const Assignment found = Spectral({.neighbours = 3}).fit(x, 2);
  for (std::int64_t i = 0; i < 600; ++i)
    EXPECT_EQ(found.labels[i], found.labels[i % 30 < 15 ? 0 : 15]);
  EXPECT_NE(found.labels[0], found.labels[15]);
}

TEST(Spectral, SmallestInputs) {
  Matrix<float> x(2, 1);
  x(1, 0) = 1;
  EXPECT_NE(Spectral().fit(x, 2).labels[0], Spectral().fit(x, 2).labels[1]);
  EXPECT_EQ(Spectral().fit(x, 0).labels.size(), 2u);
  const Blobs blobs(9, 2, 2);
  std::vector<std::int32_t> labels = Spectral().fit(blobs.features, 9).labels;
  std::sort(labels.begin(), labels.end());
  EXPECT_EQ(std::unique(labels.begin(), labels.end()), labels.end());
}

TEST(Spectral, PredictRepeatsTheFitAndSurvivesSaving) {
  const Blobs blobs(500, 5, 4, 2.0);
  for (const SpectralGraph graph : {SpectralGraph::neighbours, SpectralGraph::landmarks}) {
    Spectral spectral({.graph = graph, .landmarks = 50}), loaded;
    const Assignment fitted = spectral.fit(blobs.features, 5, {.seed = 3});
    loaded.load(spectral.save());
    const Assignment again = spectral.fit(blobs.features, 5, {.seed = 3});
    for (const Assignment& other :
         {spectral.predict(blobs.features), loaded.predict(blobs.features), again}) {
      EXPECT_EQ(other.labels, fitted.labels);
      for (std::int64_t i = 0; i < fitted.probabilities.size(); ++i)
        ASSERT_EQ(other.probabilities.data()[i], fitted.probabilities.data()[i]);
    }
  }
}

TEST(Spectral, RefusesBadInputAndStops) {
  const Blobs blobs(20, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { Spectral().fit(blobs.features, 21); }), "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { Spectral({.neighbours = 0}); }), "neighbours = 0");
  EXPECT_CONTAINS(user_error_of([&] { Spectral().predict(blobs.features); }), "not trained");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(Spectral().fit(blobs.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
