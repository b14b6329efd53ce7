#include "coterie/shallow/gaussian_mixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "coterie/metrics/scores.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

constexpr Covariance kBoth[] = {Covariance::diagonal, Covariance::full};

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

/// log N(x; mean, covariance) of component k with two columns, by the formula for 2 x 2.
double plain_log_density(const float* x, const Mixture& mixture, std::int64_t k, bool full) {
  const double dx = x[0] - mixture.means(k, 0), dy = x[1] - mixture.means(k, 1);
  const double a = full ? mixture.covariances(2 * k, 0) : mixture.covariances(k, 0);
  const double b = full ? mixture.covariances(2 * k, 1) : 0;
  const double c = full ? mixture.covariances(2 * k + 1, 1) : mixture.covariances(k, 1);
  const double determinant = a * c - b * b;
  return -0.5 * (c * dx * dx - 2 * b * dx * dy + a * dy * dy) / determinant -
         0.5 * std::log(determinant) - std::log(2 * std::numbers::pi);
}

/// Slanted, overlapping groups with two columns.
Matrix<float> slanted(std::int64_t rows) {
  const Blobs blobs(rows, 2, 3, 3.0, 5, 20.0);
  Matrix<float> x = blobs.features;
  for (std::int64_t i = 0; i < rows; ++i) x(i, 1) += 0.7f * x(i, 0);
  return x;
}

TEST(GaussianMixture, TwoPairsByHand) {
  // Rows 0, 2, 100, 104 on a line: means 1 and 102, variances 1 and 4 (and the clouds' part), half
  // the weight each. Each row has log density log(1/2) - log(2 pi v)/2 - 1/2.
  Matrix<float> x(4, 1);
  x(1, 0) = 2;
  x(2, 0) = 100;
  x(3, 0) = 104;
  for (const Covariance covariance : kBoth) {
    GaussianMixture mixture({.covariance = covariance, .regularisation = 1e-9});
    const Assignment found = mixture.fit(x, 2);
    const std::int32_t low = found.labels[0], high = found.labels[2];
    EXPECT_EQ(found.labels, (std::vector<std::int32_t>{low, low, high, high}));
    EXPECT_NEAR(mixture.mixture().means(low, 0), 1, 1e-6);
    EXPECT_NEAR(mixture.mixture().means(high, 0), 102, 1e-6);
    EXPECT_NEAR(mixture.mixture().covariances(low, 0), 1, 1e-4);
    EXPECT_NEAR(mixture.mixture().covariances(high, 0), 4, 1e-4);
    EXPECT_NEAR(mixture.mixture().weights[low], 0.5, 1e-9);
    const double expected =
        4 * (std::log(0.5) - 0.5 * std::log(2 * std::numbers::pi) - 0.5) - std::log(4.0);
    const auto& record = mixture.restarts()[mixture.chosen_restart()];
    EXPECT_NEAR(record.log_likelihood, expected, 1e-4);
    // One free weight, two means, two variances.
    EXPECT_NEAR(record.bic, -2 * expected + 5 * std::log(4.0), 1e-3);
    EXPECT_NEAR(record.aic, -2 * expected + 10, 1e-3);
  }
}

TEST(GaussianMixture, PosteriorsAndLikelihoodMatchThePlainFormula) {
  const Matrix<float> x = slanted(600);
  for (const Covariance covariance : kBoth) {
    GaussianMixture mixture({.covariance = covariance, .restarts = 1});
    const Assignment found = mixture.fit(x, 3);
    expect_sound(found);
    const Mixture model = mixture.mixture();
    double total = 0;
    for (std::int64_t i = 0; i < x.rows(); ++i) {
      double joint[3], sum = 0;
      for (std::int64_t k = 0; k < 3; ++k)
        sum += joint[k] =
            model.weights[k] *
            std::exp(plain_log_density(x.row(i), model, k, covariance == Covariance::full));
      total += std::log(sum);
      for (std::int64_t k = 0; k < 3; ++k)
        ASSERT_NEAR(found.probabilities(i, k), joint[k] / sum, 1e-4);
    }
    // The clouds of 1e-6 of the variance lower it by about 1e-5 a row.
    EXPECT_NEAR(mixture.restarts()[0].log_likelihood, total, 1e-4 * 600);
  }
}

TEST(GaussianMixture, MomentsOfTheModelAreThoseOfItsPosteriors) {
  // At a fixed point the means and covariances follow from the posteriors.
  const Matrix<float> x = slanted(600);
  GaussianMixture mixture(
      {.covariance = Covariance::full, .restarts = 1, .max_iterations = 2000, .tolerance = 1e-12});
  const Assignment found = mixture.fit(x, 3);
  const Mixture model = mixture.mixture();
  for (std::int64_t k = 0; k < 3; ++k) {
    double weight = 0, mean = 0, product = 0;
    for (std::int64_t i = 0; i < x.rows(); ++i) {
      const double p = found.probabilities(i, k);
      weight += p;
      mean += p * x(i, 0);
      product += p * (x(i, 0) - model.means(k, 0)) * (x(i, 1) - model.means(k, 1));
    }
    EXPECT_NEAR(model.weights[k], weight / 600, 1e-4);
    EXPECT_NEAR(model.means(k, 0), mean / weight, 1e-3);
    EXPECT_NEAR(model.covariances(2 * k + 1, 0), product / weight, 1e-3);
    EXPECT_EQ(model.covariances(2 * k + 1, 0), model.covariances(2 * k, 1));
  }
}

TEST(GaussianMixture, NoIterationLowersTheLikelihood) {
  // Overlapping groups, more components than groups, a constant column, and, with 40 rows, fewer
  // rows in a component than columns: where covariances collapse.
  // With large clouds a likelihood that left them out would fall.
  for (const auto& [rows, regularisation] : {std::pair{40, 1e-6}, {900, 1e-6}, {900, 0.5}})
    for (const Covariance covariance : kBoth) {
      Blobs blobs(rows, 10, 4, 2.0);
      for (std::int64_t i = 0; i < rows; ++i) blobs.features(i, 7) = 5;
      GaussianMixture mixture({.covariance = covariance,
                               .restarts = 4,
                               .tolerance = 1e-9,
                               .regularisation = regularisation});
      expect_sound(mixture.fit(blobs.features, 7, {.seed = 2}));
      for (const auto& restart : mixture.restarts()) {
        EXPECT_LE(restart.log_likelihood,
                  mixture.restarts()[mixture.chosen_restart()].log_likelihood);
        for (std::size_t i = 1; i < restart.log_likelihoods.size(); ++i)
          EXPECT_GE(restart.log_likelihoods[i],
                    restart.log_likelihoods[i - 1] - 1e-9 * std::abs(restart.log_likelihoods[i]))
              << rows << " rows, iteration " << i;
      }
    }
}

TEST(GaussianMixture, FullCovariancesSeparateCrossingSticks) {
  // Two long thin groups across each other: k-means and diagonals cannot tell them apart.
  RandomStream random(3, "sticks");
  Matrix<float> x(800, 2);
  std::vector<std::int32_t> truth(800);
  for (std::int64_t i = 0; i < 800; ++i) {
    const double along = 5 * random.normal(), across = 0.2 * random.normal();
    truth[i] = static_cast<std::int32_t>(i % 2);
    x(i, 0) = static_cast<float>(along + across);
    x(i, 1) = static_cast<float>((i % 2 ? along : -along) + across * (i % 2 ? -1 : 1));
  }
  const Assignment full =
      GaussianMixture({.covariance = Covariance::full, .restarts = 10}).fit(x, 2);
  EXPECT_GT(accuracy(full.labels, truth), 0.95);
  EXPECT_LT(accuracy(GaussianMixture({.restarts = 10}).fit(x, 2).labels, truth), 0.8);
}

TEST(GaussianMixture, UnitsOfTheColumnsDoNotMatter) {
  const Blobs blobs(300, 3, 3, 8.0);
  Matrix<float> scaled = blobs.features;
  for (std::int64_t i = 0; i < 300; ++i)
    for (std::int64_t d = 0; d < 3; ++d) scaled(i, d) = scaled(i, d) * 1e-6f + 1e-5f;
  for (const Covariance covariance : kBoth) {
    const GaussianMixtureParams params{.covariance = covariance};
    EXPECT_EQ(accuracy(GaussianMixture(params).fit(blobs.features, 3).labels, blobs.truth), 1.0);
    EXPECT_EQ(accuracy(GaussianMixture(params).fit(scaled, 3).labels, blobs.truth), 1.0);
  }
}

TEST(GaussianMixture, AsManyClustersAsRowsAndCoincidingRows) {
  for (const Covariance covariance : kBoth) {
    const GaussianMixtureParams params{.covariance = covariance};
    Matrix<float> x(5, 1);
    for (std::int64_t i = 0; i < 5; ++i) x(i, 0) = static_cast<float>(i * i);
    std::vector<std::int32_t> labels = GaussianMixture(params).fit(x, 5).labels;
    std::sort(labels.begin(), labels.end());
    EXPECT_EQ(labels, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));

    Matrix<float> repeated(30, 3);
    for (std::int64_t i = 0; i < 30; ++i) repeated(i, i % 2) = 1;
    const Assignment found = GaussianMixture(params).fit(repeated, 2);
    expect_sound(found);
    for (std::int64_t i = 2; i < 30; ++i) EXPECT_EQ(found.labels[i], found.labels[i % 2]);
    EXPECT_NE(found.labels[0], found.labels[1]);
  }
}

TEST(GaussianMixture, SameSeedSameResultAndPredictRepeatsTheFit) {
  const Blobs blobs(1000, 20, 12, 2.0);
  for (const Covariance covariance : kBoth) {
    const GaussianMixtureParams params{.covariance = covariance, .restarts = 2};
    GaussianMixture mixture(params), again(params), loaded(params);
    const Assignment fitted = mixture.fit(blobs.features, 10, {.seed = 9});
    loaded.load(mixture.save());
    for (const Assignment& other :
         {again.fit(blobs.features, 10, {.seed = 9}), mixture.predict(blobs.features),
          loaded.predict(blobs.features)}) {
      EXPECT_EQ(other.labels, fitted.labels);
      EXPECT_TRUE(std::equal(other.probabilities.data(),
                             other.probabilities.data() + other.probabilities.size(),
                             fitted.probabilities.data()));
    }
  }
}

TEST(GaussianMixture, RefusesBadInputAndStops) {
  const Blobs blobs(20, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { GaussianMixture().fit(blobs.features, 21); }),
                  "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { GaussianMixture({.regularisation = 0}); }), "regularisation");
  EXPECT_CONTAINS(user_error_of([&] { GaussianMixture().predict(blobs.features); }), "not trained");
  // 2 x 300,000^2 numbers are 1.4 terabytes.
  Matrix<float> wide(3, 300000);
  wide(1, 0) = 1;
  EXPECT_CONTAINS(
      user_error_of([&] { GaussianMixture({.covariance = Covariance::full}).fit(wide, 2); }),
      "covariance=diagonal");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(GaussianMixture().fit(blobs.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
