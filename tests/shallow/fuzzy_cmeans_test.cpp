#include "coterie/shallow/fuzzy_cmeans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coterie/metrics/scores.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

/// The textbook's two steps in double, powers taken as they stand: J_m before each iteration.
std::vector<double> plain_objectives(const Matrix<float>& x, Matrix<double> centres, double m,
                                     int iterations) {
  const std::int64_t clusters = centres.rows();
  std::vector<double> objectives;
  for (int iteration = 0; iteration < iterations; ++iteration) {
    Matrix<double> sums(clusters, x.cols());
    std::vector<double> weights(static_cast<std::size_t>(clusters)), distances(weights);
    double objective = 0;
    for (std::int64_t i = 0; i < x.rows(); ++i) {
      for (std::int64_t k = 0; k < clusters; ++k) {
        distances[k] = 0;
        for (std::int64_t d = 0; d < x.cols(); ++d)
          distances[k] += std::pow(x(i, d) - centres(k, d), 2);
      }
      for (std::int64_t k = 0; k < clusters; ++k) {
        double sum = 0;
        for (const double other : distances) sum += std::pow(distances[k] / other, 1 / (m - 1));
        const double weight = std::pow(1 / sum, m);
        objective += weight * distances[k];
        weights[k] += weight;
        for (std::int64_t d = 0; d < x.cols(); ++d) sums(k, d) += weight * x(i, d);
      }
    }
    objectives.push_back(objective);
    for (std::int64_t k = 0; k < clusters; ++k)
      for (std::int64_t d = 0; d < x.cols(); ++d) centres(k, d) = sums(k, d) / weights[k];
  }
  return objectives;
}

Matrix<double> first_rows(const Matrix<float>& x, std::int64_t count) {
  Matrix<double> rows(count, x.cols());
  for (std::int64_t i = 0; i < rows.size(); ++i) rows.data()[i] = x.data()[i] + 0.25;
  return rows;
}

void expect_sound(const Assignment& found) {
  for (std::int64_t i = 0; i < found.probabilities.rows(); ++i) {
    double sum = 0;
    for (const float p : found.probabilities.view().row_span(i)) {
      ASSERT_GE(p, 0.0f);
      sum += p;
    }
    ASSERT_NEAR(sum, 1.0, 1e-5);
  }
  EXPECT_EQ(found.labels, argmax_rows(found.probabilities.view()));
}

TEST(FuzzyCMeans, MembershipsByHand) {
  // Rows -3, -1, 1, 3 and m = 2. By symmetry the centres are -c and c, and the place 0,
  // equally far from both, has half of each.
  Matrix<float> x(4, 1);
  for (std::int64_t i = 0; i < 4; ++i) x(i, 0) = static_cast<float>(2 * i - 3);
  FuzzyCMeans fuzzy({.m = 2, .tolerance = 1e-12});
  const Assignment found = fuzzy.fit(x, 2);
  const double c = std::abs(fuzzy.centres()(0, 0));
  EXPECT_NEAR(fuzzy.centres()(0, 0), -fuzzy.centres()(1, 0), 1e-5);
  // Row 3 has distances (3 - c)^2 and (3 + c)^2, and with m = 2 u ~ 1 / d.
  const double near = 1 / ((3 - c) * (3 - c)), far = 1 / ((3 + c) * (3 + c));
  EXPECT_NEAR(found.probabilities(3, found.labels[3]), near / (near + far), 1e-6);
  // The centre is the mean with weights u^2: over the rows 3, 1, -1, -3.
  const auto weight = [&](double row) {
    const double to_c = 1 / std::pow(row - c, 2), to_other = 1 / std::pow(row + c, 2);
    return std::pow(to_c / (to_c + to_other), 2);
  };
  const double total = weight(3) + weight(1) + weight(-1) + weight(-3);
  EXPECT_NEAR((3 * weight(3) + weight(1) - weight(-1) - 3 * weight(-3)) / total, c, 1e-4);
  const Assignment middle = fuzzy.predict(Matrix<float>(1, 1));
  EXPECT_NEAR(middle.probabilities(0, 0), 0.5, 1e-5);
}

TEST(FuzzyCMeans, IterationsMatchAPlainProgram) {
  const Blobs blobs(700, 9, 4, 3.0, 2, 50.0);
  for (const double m : {1.1, 1.5, 2.0, 4.0}) {
    FuzzyCMeans fuzzy({.m = m, .max_iterations = 12, .tolerance = 0});
    fuzzy.fit_from(blobs.features, first_rows(blobs.features, 4));
    const auto expected = plain_objectives(blobs.features, first_rows(blobs.features, 4), m, 12);
    const auto& objectives = fuzzy.restarts()[0].objectives;
    ASSERT_EQ(objectives.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(objectives[i] / expected[i], 1.0, 2e-5) << "m " << m << ", iteration " << i;
  }
}

TEST(FuzzyCMeans, TheObjectiveNeverRises) {
  const Blobs blobs(3000, 12, 9, 2.0);
  for (const FuzzyStart start : {FuzzyStart::plus_plus, FuzzyStart::random})
    for (const double m : {1.02, 1.1, 2.0}) {
      FuzzyCMeans fuzzy({.m = m, .start = start, .restarts = 3});
      fuzzy.fit(blobs.features, 6, {.seed = 4});
      for (const auto& restart : fuzzy.restarts()) {
        EXPECT_GE(restart.objective,
                  fuzzy.restarts()[static_cast<std::size_t>(fuzzy.chosen_restart())].objective);
        for (std::size_t i = 1; i < restart.objectives.size(); ++i)
          EXPECT_LE(restart.objectives[i], restart.objectives[i - 1] * (1 + 1e-6));
      }
    }
}

TEST(FuzzyCMeans, FindsSeparatedBlobs) {
  const Blobs blobs(600, 6, 6);
  for (const FuzzyStart start : {FuzzyStart::plus_plus, FuzzyStart::random}) {
    const Assignment found = FuzzyCMeans({.start = start}).fit(blobs.features, 6, {.seed = 3});
    expect_sound(found);
    EXPECT_EQ(accuracy(found.labels, blobs.truth), 1.0);
  }
}

TEST(FuzzyCMeans, NearlyHardMembershipsDoNotOverflow) {
  const Blobs blobs(200, 3, 3);
  // With 1 / (m - 1) = 10^6 the powers themselves are beyond every floating point number.
  for (const double m : {1.000001, 1.00000005}) {  // the second is 1 as a float
    const Assignment found = FuzzyCMeans({.m = m, .restarts = 2}).fit(blobs.features, 3);
    expect_sound(found);
    EXPECT_EQ(accuracy(found.labels, blobs.truth), 1.0);
  }
}

TEST(FuzzyCMeans, NearlyEvenMembershipsDoNotVanish) {
  // Their powers are 10^-60 and less. The centres then come together at the mean, from any start.
  const Blobs blobs(200, 10, 10);
  for (const FuzzyStart start : {FuzzyStart::plus_plus, FuzzyStart::random}) {
    FuzzyCMeans fcm({.m = 60, .start = start, .restarts = 1, .max_iterations = 20});
    expect_sound(fcm.fit(blobs.features, 10));
    EXPECT_GT(fcm.restarts()[0].iterations, 1);
    EXPECT_GT(fcm.restarts()[0].objective, 0);
    EXPECT_LE(fcm.restarts()[0].objectives.back(), fcm.restarts()[0].objectives.front());
    const Matrix<double> centres = fcm.centres();
    for (std::int64_t k = 0; k < 10; ++k)
      for (std::int64_t d = 0; d < 10; ++d) EXPECT_NEAR(centres(k, d), 1.0, 0.5);
  }
}

TEST(FuzzyCMeans, CosineLooksAtDirectionsAlone) {
  Matrix<float> x(40, 2);
  for (std::int64_t i = 0; i < 40; ++i) {
    const float length = i % 4 < 2 ? 1.0f : 50.0f;
    x(i, 0) = length * (i % 2 == 0 ? 1.0f : 0.1f);
    x(i, 1) = length * (i % 2 == 0 ? 0.1f : 1.0f);
  }
  const Assignment found = FuzzyCMeans({.distance = FuzzyDistance::cosine}).fit(x, 2);
  for (std::int64_t i = 0; i < 40; ++i) EXPECT_EQ(found.labels[i], found.labels[i % 2]);
  EXPECT_NE(found.labels[0], found.labels[1]);
}

TEST(FuzzyCMeans, AsManyClustersAsRowsAndCoincidingRows) {
  Matrix<float> x(5, 1);
  for (std::int64_t i = 0; i < 5; ++i) x(i, 0) = static_cast<float>(i * i);
  std::vector<std::int32_t> labels = FuzzyCMeans().fit(x, 5).labels;
  std::sort(labels.begin(), labels.end());
  EXPECT_EQ(labels, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));

  Matrix<float> repeated(30, 3);  // Column 2 is constant.
  for (std::int64_t i = 0; i < 30; ++i) repeated(i, i % 2) = 1;
  const Assignment found = FuzzyCMeans().fit(repeated, 2);
  expect_sound(found);
  for (std::int64_t i = 2; i < 30; ++i) EXPECT_EQ(found.labels[i], found.labels[i % 2]);
  EXPECT_NE(found.labels[0], found.labels[1]);
}

TEST(FuzzyCMeans, SameSeedSameResultAndPredictRepeatsTheFit) {
  const Blobs blobs(5000, 20, 12, 2.0);
  const FuzzyCMeansParams params{.m = 1.3, .start = FuzzyStart::random, .restarts = 2};
  FuzzyCMeans fuzzy(params), again(params), loaded(params);
  const Assignment fitted = fuzzy.fit(blobs.features, 10, {.seed = 9});
  loaded.load(fuzzy.save());
  for (const Assignment& other : {again.fit(blobs.features, 10, {.seed = 9}),
                                  fuzzy.predict(blobs.features), loaded.predict(blobs.features)}) {
    EXPECT_EQ(other.labels, fitted.labels);
    EXPECT_TRUE(std::equal(other.probabilities.data(),
                           other.probabilities.data() + other.probabilities.size(),
                           fitted.probabilities.data()));
  }
}

TEST(FuzzyCMeans, RefusesBadInputAndStops) {
  const Blobs blobs(20, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { FuzzyCMeans().fit(blobs.features, 0); }), "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { FuzzyCMeans({.m = 1}); }), "m = 1 is out of range");
  EXPECT_CONTAINS(user_error_of([&] { FuzzyCMeans().predict(blobs.features); }), "not trained");
  EXPECT_CONTAINS(
      user_error_of([&] { FuzzyCMeans().fit_from(blobs.features, Matrix<double>(2, 3)); }),
      "features");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(FuzzyCMeans().fit(blobs.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
