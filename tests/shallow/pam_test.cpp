#include "coterie/shallow/pam.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "coterie/core/parallel.h"
#include "coterie/metrics/scores.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

double distance(const Matrix<float>& x, std::int64_t i, std::int64_t j, PamDistance kind) {
  double square = 0, product = 0, length_i = 0, length_j = 0;
  for (std::int64_t d = 0; d < x.cols(); ++d) {
    const double a = x(i, d), b = x(j, d);
    square += (a - b) * (a - b);
    product += a * b;
    length_i += a * a;
    length_j += b * b;
  }
  if (kind == PamDistance::cosine) return 1 - product / std::sqrt(length_i * length_j);
  return kind == PamDistance::euclidean ? std::sqrt(square) : square;
}

double deviation(const Matrix<float>& x, const std::vector<std::int64_t>& medoids,
                 PamDistance kind) {
  double total = 0;
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    double least = std::numeric_limits<double>::infinity();
    for (const auto medoid : medoids) least = std::min(least, distance(x, i, medoid, kind));
    total += least;
  }
  return total;
}

/// PAM as first published: greedy start, then the best swap of all until none helps.
double plain_pam(const Matrix<float>& x, std::int64_t clusters, PamDistance kind) {
  std::vector<std::int64_t> medoids;
  while (static_cast<std::int64_t>(medoids.size()) < clusters) {
    medoids.push_back(0);
    std::int64_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < x.rows(); ++i) {
      medoids.back() = i;
      if (const double value = deviation(x, medoids, kind); value < least) {
        least = value;
        best = i;
      }
    }
    medoids.back() = best;
  }
  double current = deviation(x, medoids, kind);
  for (;;) {
    std::vector<std::int64_t> best = medoids;
    double least = current;
    for (std::size_t m = 0; m < medoids.size(); ++m)
      for (std::int64_t i = 0; i < x.rows(); ++i) {
        std::vector<std::int64_t> tried = medoids;
        tried[m] = i;
        if (const double value = deviation(x, tried, kind); value < least - 1e-9) {
          least = value;
          best = tried;
        }
      }
    if (least >= current - 1e-9) return current;
    medoids = best;
    current = least;
  }
}

TEST(Pam, MedoidsByHand) {
  // 0, 1, 2 and 10, 11, 15: medoids 1 and 11, deviation 1 + 0 + 1 and 1 + 0 + 4.
  Matrix<float> x(6, 1);
  const float values[] = {0, 1, 2, 10, 11, 15};
  std::copy(std::begin(values), std::end(values), x.data());
  Pam pam;
  const Assignment found = pam.fit(x, 2);
  EXPECT_EQ(pam.medoid_rows(), (std::vector<std::int64_t>{1, 4}));
  EXPECT_EQ(found.labels, (std::vector<std::int32_t>{0, 0, 0, 1, 1, 1}));
  EXPECT_NEAR(pam.total_deviation(), 7.0, 1e-9);
  EXPECT_TRUE(pam.searches()[0].converged);
  // Row 2 is at 1 and 9 from the medoids: 81 to 1.
  EXPECT_NEAR(found.probabilities(2, 0), 81.0 / 82.0, 1e-6);
}

TEST(Pam, AsGoodAsPlainPamUnderEveryDistance) {
  for (const PamDistance kind :
       {PamDistance::euclidean, PamDistance::sqeuclidean, PamDistance::cosine}) {
    double found = 0, plain = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      const Blobs blobs(60, 3, 5, 2.0, seed, 3.0);
      Pam pam({.distance = kind});
      pam.fit(blobs.features, 4);
      EXPECT_NEAR(pam.total_deviation() / deviation(blobs.features, pam.medoid_rows(), kind), 1,
                  1e-6);
      EXPECT_NEAR(pam.searches()[0].deviation / pam.total_deviation(), 1, 1e-6);
      EXPECT_LE(pam.searches()[0].deviation, pam.searches()[0].start_deviation);
      // No single swap helps.
      for (std::size_t m = 0; m < 4; ++m)
        for (std::int64_t i = 0; i < 60; ++i) {
          std::vector<std::int64_t> tried = pam.medoid_rows();
          tried[m] = i;
          EXPECT_GE(deviation(blobs.features, tried, kind), pam.total_deviation() * (1 - 1e-6));
        }
      found += pam.total_deviation();
      plain += plain_pam(blobs.features, 4, kind);
    }
    EXPECT_LE(found, plain * 1.005) << "distance " << static_cast<int>(kind);
  }
}

TEST(Pam, FindsBlobsWithFarRows) {
  Blobs blobs(500, 6, 5);
  for (std::int64_t d = 0; d < 6; ++d) blobs.features(499, d) = 60;
  const Assignment found = Pam().fit(blobs.features, 5);
  std::vector<std::int32_t> labels(found.labels.begin(), found.labels.end() - 1);
  EXPECT_EQ(accuracy(labels, {blobs.truth.data(), 499}), 1.0);
}

TEST(Pam, SearchesSamplesOfManyRows) {
  const Blobs blobs(3000, 6, 6, 8.0);
  Pam sampled({.max_rows = 1000, .samples = 3, .sample_rows = 500});
  const Assignment found = sampled.fit(blobs.features, 6);
  EXPECT_GE(accuracy(found.labels, blobs.truth), 0.999);
  ASSERT_EQ(sampled.searches().size(), 3u);
  EXPECT_EQ(sampled.searches()[0].rows, 500);
  EXPECT_GE(sampled.searches()[1].rows, 500);  // the medoids so far come along
  for (const PamSearch& search : sampled.searches())
    EXPECT_GE(search.total_deviation, sampled.total_deviation());
  Pam whole;
  whole.fit(blobs.features, 6);
  EXPECT_LT(sampled.total_deviation(), whole.total_deviation() * 1.05);
  EXPECT_LE(whole.total_deviation(), sampled.total_deviation());
}

TEST(Pam, AsManyClustersAsRowsAndRepeatedRows) {
  Matrix<float> x(9, 2);
  for (std::int64_t i = 0; i < 9; ++i) x(i, 0) = static_cast<float>((i % 3) * (i % 3));
  Pam pam;
  const Assignment found = pam.fit(x, 3);
  for (std::int64_t i = 0; i < 9; ++i) EXPECT_EQ(found.labels[i], found.labels[i % 3]);
  EXPECT_EQ(std::set<std::int32_t>(found.labels.begin(), found.labels.end()).size(), 3u);
  EXPECT_EQ(pam.total_deviation(), 0);
  EXPECT_CONTAINS(user_error_of([&] { Pam().fit(x, 4); }), "4");
}

TEST(Pam, SameSeedSameResultWhateverTheThreads) {
  const Blobs blobs(3000, 4, 8, 2.0);
  const Pam params({.max_rows = 1000, .sample_rows = 600});
  const int threads = thread_count();
  set_thread_count(1);
  Pam one = params;
  const Assignment first = one.fit(blobs.features, 8, {.seed = 5});
  set_thread_count(3);
  Pam three = params;
  const Assignment second = three.fit(blobs.features, 8, {.seed = 5});
  set_thread_count(threads);
  EXPECT_EQ(one.medoid_rows(), three.medoid_rows());
  EXPECT_EQ(first.labels, second.labels);
}

TEST(Pam, PredictRepeatsTheFitAndSurvivesSaving) {
  const Blobs blobs(333, 5, 4, 3.0);
  for (const PamDistance kind : {PamDistance::euclidean, PamDistance::cosine}) {
    Pam pam({.distance = kind});
    const Assignment fitted = pam.fit(blobs.features, 4);
    Pam loaded({.distance = kind});
    loaded.load(pam.save());
    for (const Pam* model : {&pam, &loaded}) {
      const Assignment again = model->predict(blobs.features);
      EXPECT_EQ(again.labels, fitted.labels);
      EXPECT_TRUE(std::equal(again.probabilities.data(),
                             again.probabilities.data() + again.probabilities.size(),
                             fitted.probabilities.data()));
    }
  }
}

TEST(Pam, RefusesBadInputAndStops) {
  const Blobs blobs(20, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { Pam().fit(blobs.features, 1); }), "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { Pam({.samples = 0}); }), "samples");
  EXPECT_CONTAINS(user_error_of([&] { Pam().predict(blobs.features); }), "not trained");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(Pam().fit(blobs.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
