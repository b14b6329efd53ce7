#include "coterie/shallow/kmeans.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "coterie/core/parallel.h"
#include "coterie/metrics/scores.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

/// Lloyd's iterations in double, row by row, as a second computation.
double plain_lloyd(const Matrix<float>& x, Matrix<double> centres, int iterations) {
  double inertia = 0;
  for (int iteration = 0; iteration <= iterations; ++iteration) {
    Matrix<double> sums(centres.rows(), centres.cols());
    std::vector<double> sizes(static_cast<std::size_t>(centres.rows()));
    inertia = 0;
    for (std::int64_t i = 0; i < x.rows(); ++i) {
      double best = std::numeric_limits<double>::infinity();
      std::int64_t nearest = 0;
      for (std::int64_t k = 0; k < centres.rows(); ++k) {
        double distance = 0;
        for (std::int64_t d = 0; d < x.cols(); ++d)
          distance += (x(i, d) - centres(k, d)) * (x(i, d) - centres(k, d));
        if (distance < best) {
          best = distance;
          nearest = k;
        }
      }
      inertia += best;
      sizes[nearest] += 1;
      for (std::int64_t d = 0; d < x.cols(); ++d) sums(nearest, d) += x(i, d);
    }
    for (std::int64_t k = 0; k < centres.rows(); ++k)
      for (std::int64_t d = 0; d < x.cols(); ++d)
        if (sizes[k] > 0) centres(k, d) = sums(k, d) / sizes[k];
  }
  return inertia;
}

TEST(KMeans, TwoPairsByHand) {
  // Rows 0, 2, 10, 14 on a line: clusters {0, 2} and {10, 14}, centres 1 and 12, inertia
  // 1 + 1 + 4 + 4.
  Matrix<float> x(4, 1);
  x(1, 0) = 2;
  x(2, 0) = 10;
  x(3, 0) = 14;
  KMeans kmeans;
  const Assignment found = kmeans.fit(x, 2);
  EXPECT_EQ(found.labels[0], found.labels[1]);
  EXPECT_EQ(found.labels[2], found.labels[3]);
  EXPECT_NE(found.labels[0], found.labels[2]);
  EXPECT_NEAR(kmeans.restarts()[kmeans.chosen_restart()].inertia, 10.0, 1e-5);
  EXPECT_NEAR(kmeans.centres()(found.labels[0], 0), 1.0, 1e-6);
  EXPECT_NEAR(kmeans.centres()(found.labels[2], 0), 12.0, 1e-6);
  // Memberships of row 0: distances 1 and 144, so 144 / 145 for its own cluster.
  EXPECT_NEAR(found.probabilities(0, found.labels[0]), 144.0 / 145.0, 1e-6);
}

TEST(KMeans, IterationsFromGivenCentresMatchAPlainProgram) {
  const Blobs blobs(1000, 6, 8, 2.0, 3, 100.0);
  Matrix<double> centres(5, 6);
  for (std::int64_t k = 0; k < 5; ++k)
    for (std::int64_t d = 0; d < 6; ++d) centres(k, d) = blobs.features(k, d);
  for (const int iterations : {1, 3, 10}) {
    KMeans kmeans({.max_iterations = iterations, .tolerance = 0});
    kmeans.fit_from(blobs.features, centres);
    EXPECT_NEAR(kmeans.restarts()[0].inertia / plain_lloyd(blobs.features, centres, iterations),
                1.0, 1e-5)
        << iterations << " iterations";
  }
}

TEST(KMeans, FindsSeparatedBlobsFromEverySeed) {
  const Blobs blobs(600, 6, 6);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Assignment found = KMeans({.restarts = 1}).fit(blobs.features, 6, {.seed = seed});
    EXPECT_EQ(accuracy(found.labels, blobs.truth), 1.0) << "seed " << seed;
  }
}

TEST(KMeans, AnEmptyClusterTakesTheFarthestRow) {
  // Three starts at the same far place: two of them get no row at first.
  const Blobs blobs(300, 2, 3, 8.0);
  Matrix<double> centres(3, 2);
  for (std::int64_t k = 0; k < 3; ++k)
    for (std::int64_t d = 0; d < 2; ++d) centres(k, d) = 1000.0;
  KMeans kmeans;
  const Assignment found = kmeans.fit_from(blobs.features, centres);
  EXPECT_GE(kmeans.restarts()[0].repaired, 2);
  std::vector<int> sizes(3);
  for (const auto label : found.labels) ++sizes[label];
  for (const int size : sizes) EXPECT_GT(size, 0);
}

TEST(KMeans, AsManyClustersAsRows) {
  Matrix<float> x(5, 1);
  for (std::int64_t i = 0; i < 5; ++i) x(i, 0) = static_cast<float>(i * i);
  const Assignment found = KMeans().fit(x, 5);
  std::vector<std::int32_t> labels = found.labels;
  std::sort(labels.begin(), labels.end());
  EXPECT_EQ(labels, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));
}

TEST(KMeans, SphericalLooksAtDirectionsAlone) {
  // Two rays from the origin, rows at very different lengths.
  Matrix<float> x(40, 2);
  for (std::int64_t i = 0; i < 40; ++i) {
    const float length = i % 4 < 2 ? 1.0f : 50.0f;
    x(i, 0) = length * (i % 2 == 0 ? 1.0f : 0.1f);
    x(i, 1) = length * (i % 2 == 0 ? 0.1f : 1.0f);
  }
  const Assignment found = KMeans({.spherical = true}).fit(x, 2);
  for (std::int64_t i = 0; i < 40; ++i) EXPECT_EQ(found.labels[i], found.labels[i % 2]);
  EXPECT_NE(found.labels[0], found.labels[1]);
}

TEST(KMeans, BoundsSpareMostMeasurements) {
  const Blobs blobs(6000, 8, 10, 4.0);
  KMeans kmeans({.restarts = 1, .tolerance = 0});
  kmeans.fit(blobs.features, 10, {.seed = 1});
  const KMeansRestart& restart = kmeans.restarts()[0];
  ASSERT_GT(restart.iterations, 3);
  EXPECT_LT(restart.measured, 6000 * (restart.iterations + 1) / 2);
}

TEST(KMeans, MiniBatchesComeNearTheInertiaOfLloyd) {
  const Blobs blobs(8000, 10, 8, 3.0);
  KMeans whole({.restarts = 3}), batches({.restarts = 3, .batch_rows = 512});
  whole.fit(blobs.features, 8);
  const Assignment found = batches.fit(blobs.features, 8);
  const auto inertia = [](const KMeans& model) {
    return model.restarts()[model.chosen_restart()].inertia;
  };
  EXPECT_LT(inertia(batches) / inertia(whole), 1.02);
  EXPECT_LT(batches.restarts()[0].measured, whole.restarts()[0].measured);
  EXPECT_EQ(batches.predict(blobs.features).labels, found.labels);
}

TEST(KMeans, SeedsOnASampleOfManyRows) {
  const Blobs blobs(60000, 2, 4, 6.0);
  const Assignment found = KMeans({.restarts = 2}).fit(blobs.features, 4);
  EXPECT_GT(accuracy(found.labels, blobs.truth), 0.999);
}

TEST(KMeans, SameSeedSameResult) {
  const Blobs blobs(20000, 40, 12, 2.0);
  const Assignment first = KMeans({.restarts = 2}).fit(blobs.features, 10, {.seed = 9});
  const Assignment second = KMeans({.restarts = 2}).fit(blobs.features, 10, {.seed = 9});
  EXPECT_EQ(first.labels, second.labels);
  for (std::int64_t i = 0; i < first.probabilities.size(); ++i)
    ASSERT_EQ(first.probabilities.data()[i], second.probabilities.data()[i]);
}

TEST(KMeans, PredictRepeatsTheFitAndSurvivesSaving) {
  const Blobs blobs(333, 5, 4, 3.0);
  KMeans kmeans;
  const Assignment fitted = kmeans.fit(blobs.features, 4);
  KMeans loaded;
  loaded.load(kmeans.save());
  EXPECT_EQ(kmeans.predict(blobs.features).labels, fitted.labels);
  EXPECT_EQ(loaded.predict(blobs.features).labels, fitted.labels);
}

TEST(KMeans, CoincidingRows) {
  Matrix<float> x(30, 3);
  for (std::int64_t i = 0; i < 3; ++i) x(i, i) = 1;
  const Assignment found = KMeans({.restarts = 2}).fit(x, 4);
  for (std::int64_t i = 3; i < 30; ++i) EXPECT_EQ(found.labels[i], found.labels[3]);
  for (std::int64_t i = 0; i < found.probabilities.size(); ++i)
    ASSERT_TRUE(std::isfinite(found.probabilities.data()[i]));
}

TEST(KMeans, RefusesBadInputAndStops) {
  const Blobs blobs(20, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { KMeans().fit(blobs.features, 0); }), "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { KMeans({.tolerance = 2}); }), "tolerance");
  EXPECT_CONTAINS(user_error_of([&] { KMeans().predict(blobs.features); }), "not trained");
  EXPECT_CONTAINS(user_error_of([&] { KMeans().fit_from(blobs.features, Matrix<double>(2, 3)); }),
                  "features");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(KMeans().fit(blobs.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
