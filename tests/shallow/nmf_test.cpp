#include "coterie/shallow/nmf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "coterie/metrics/scores.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;

/// Rows that each hold much of one of `count` random non-negative parts and a little of the others.
struct Mixed {
  Mixed(std::int64_t rows, std::int64_t columns, std::int64_t count, double little = 0.2)
      : features(rows, columns), truth(static_cast<std::size_t>(rows)) {
    RandomStream random(7, "mixed");
    Matrix<double> parts(count, columns);
    for (std::int64_t i = 0; i < parts.size(); ++i)
      parts.data()[i] = random.uniform() < 0.5 ? random.uniform() : 0.0;
    for (std::int64_t i = 0; i < rows; ++i) {
      truth[i] = static_cast<std::int32_t>(i % count);
      for (std::int64_t k = 0; k < count; ++k) {
        const double share = (k == i % count ? 1 : little) * random.uniform() + (k == i % count);
        for (std::int64_t d = 0; d < columns; ++d)
          features(i, d) += static_cast<float>(share * parts(k, d));
      }
    }
  }
  Matrix<float> features;
  std::vector<std::int32_t> truth;
};

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

double sum_of_squares(const Matrix<float>& x) {
  double sum = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) sum += double{x.data()[i]} * x.data()[i];
  return sum;
}

/// Least |x - w H|^2 over w >= 0 for K = 2, by trying which entries are 0.
double least_residual(const float* x, const Matrix<float>& h) {
  double xx = 0, a[2] = {}, g01 = 0;
  for (std::int64_t d = 0; d < h.cols(); ++d) {
    xx += double{x[d]} * x[d];
    g01 += double{h(0, d)} * h(1, d);
    for (int k = 0; k < 2; ++k) a[k] += double{x[d]} * h(k, d);
  }
  // The parts have length 1.
  double best = xx;
  for (const double only : a) best = std::min(best, xx - std::pow(std::max(only, 0.0), 2));
  const double w0 = (a[0] - g01 * a[1]) / (1 - g01 * g01),
               w1 = (a[1] - g01 * a[0]) / (1 - g01 * g01);
  if (w0 >= 0 && w1 >= 0) best = std::min(best, xx - w0 * a[0] - w1 * a[1]);
  return best;
}

TEST(Nmf, TwoPartsByHand) {
  // Rows on the axes: the parts are the axes, and nothing is left over.
  Matrix<float> x(4, 2);
  x(0, 0) = 1;
  x(1, 0) = 3;
  x(2, 1) = 2;
  x(3, 1) = 5;
  Nmf nmf;
  const Assignment found = nmf.fit(x, 2);
  expect_sound(found);
  EXPECT_EQ(found.labels[0], found.labels[1]);
  EXPECT_EQ(found.labels[2], found.labels[3]);
  EXPECT_NE(found.labels[0], found.labels[2]);
  EXPECT_NEAR(nmf.restarts()[nmf.chosen_restart()].objective, 0.0, 1e-6);
  EXPECT_NEAR(nmf.parts()(found.labels[0], 0), 1.0, 1e-6);
  EXPECT_NEAR(found.probabilities(0, found.labels[0]), 1.0, 1e-6);
  // (3, 1) takes 3 of one part and 1 of the other.
  Matrix<float> both(1, 2);
  both(0, 0) = 3;
  both(0, 1) = 1;
  EXPECT_NEAR(nmf.predict(both).probabilities(0, found.labels[0]), 0.75, 1e-6);
}

TEST(Nmf, TheObjectiveIsTheLeastResidualOfItsParts) {
  const Mixed mixed(400, 12, 3);
  Nmf nmf({.restarts = 1, .tolerance = 1e-7});
  nmf.fit(mixed.features, 2);
  double expected = 0;
  for (std::int64_t i = 0; i < 400; ++i)
    expected += least_residual(mixed.features.row(i), nmf.parts());
  EXPECT_NEAR(nmf.restarts()[0].objective / expected, 1.0, 1e-3);
  EXPECT_GE(nmf.restarts()[0].objective, expected * (1 - 1e-5));
}

TEST(Nmf, PredictSolvesTheLeastSquares) {
  const Mixed mixed(200, 12, 3);
  Nmf nmf;
  const Assignment found = nmf.fit(mixed.features, 2);
  for (std::int64_t i = 0; i < 200; ++i) {
    // The probabilities are w up to a scale: the best scale must give the least residual.
    double xx = 0, xy = 0, yy = 0;
    for (std::int64_t d = 0; d < 12; ++d) {
      const double y = found.probabilities(i, 0) * nmf.parts()(0, d) +
                       found.probabilities(i, 1) * nmf.parts()(1, d);
      xx += std::pow(mixed.features(i, d), 2);
      xy += mixed.features(i, d) * y;
      yy += y * y;
    }
    ASSERT_NEAR(xx - xy * xy / yy, least_residual(mixed.features.row(i), nmf.parts()), 1e-4 * xx);
  }
}

TEST(Nmf, FindsTheRankOfExactProducts) {
  const Mixed mixed(600, 30, 4);
  Nmf nmf({.max_iterations = 2000, .tolerance = 1e-9});
  const Assignment found = nmf.fit(mixed.features, 4);
  EXPECT_LT(nmf.restarts()[nmf.chosen_restart()].objective, 1e-4 * sum_of_squares(mixed.features));
  EXPECT_GT(accuracy(found.labels, mixed.truth), 0.97);
  for (std::int64_t k = 0; k < 4; ++k) {
    double square = 0;
    for (std::int64_t d = 0; d < 30; ++d) {
      EXPECT_GE(nmf.parts()(k, d), 0.0f);
      square += std::pow(nmf.parts()(k, d), 2);
    }
    EXPECT_NEAR(square, 1.0, 1e-5);
  }
}

TEST(Nmf, TheObjectiveNeverRises) {
  const Mixed mixed(700, 20, 5, 1.0);
  for (const NmfStart start : {NmfStart::plus_plus, NmfStart::random})
    for (const double lambda : {0.0, 0.1, 10.0, 1000.0}) {
      Nmf nmf(
          {.lambda = lambda, .start = start, .restarts = 2, .max_iterations = 60, .tolerance = 0});
      expect_sound(nmf.fit(mixed.features, 4));
      for (const auto& restart : nmf.restarts())
        for (std::size_t i = 1; i < restart.objectives.size(); ++i)
          // The first weights with a graph are those without it.
          EXPECT_LE(restart.objectives[i], restart.objectives[i - 1] * (1 + 1e-5))
              << "lambda " << lambda << ", iteration " << i;
    }
}

TEST(Nmf, AnEndlessPullLeavesTheScatterAboutTheMean) {
  // With all rows joined to all and a strong pull, every row gets the same weights; the best sum of
  // parts is then the mean row, and what is left is the scatter about it.
  const Mixed mixed(40, 6, 3, 1.0);
  double scatter = 0;
  for (std::int64_t d = 0; d < 6; ++d) {
    double mean = 0;
    for (std::int64_t i = 0; i < 40; ++i) mean += mixed.features(i, d) / 40.0;
    for (std::int64_t i = 0; i < 40; ++i) scatter += std::pow(mixed.features(i, d) - mean, 2);
  }
  const auto objective = [&](double lambda) {
    Nmf nmf({.lambda = lambda, .neighbours = 39, .max_iterations = 3000, .tolerance = 1e-9});
    nmf.fit(mixed.features, 3);
    return nmf.restarts()[nmf.chosen_restart()].objective;
  };
  EXPECT_NEAR(objective(100) / scatter, 1.0, 0.01);
  EXPECT_LT(objective(1e-6) / scatter, 0.01);
}

TEST(Nmf, TheCodesOfTheGraphTellLengthsApart) {
  // Two groups in one direction, one near and one far: parts cannot tell them apart, codes can.
  RandomStream random(4, "lengths");
  Matrix<float> x(200, 3);
  std::vector<std::int32_t> truth(200);
  for (std::int64_t i = 0; i < 200; ++i) {
    truth[i] = static_cast<std::int32_t>(i % 2);
    for (std::int64_t d = 0; d < 3; ++d)
      x(i, d) = static_cast<float>((i % 2 ? 20.0 : 5.0) + random.uniform());
  }
  EXPECT_LT(accuracy(Nmf().fit(x, 2).labels, truth), 0.9);
  for (const double lambda : {0.1, 10.0}) {
    const Assignment pulled = Nmf({.lambda = lambda}).fit(x, 2);
    expect_sound(pulled);
    EXPECT_EQ(accuracy(pulled.labels, truth), 1.0) << "lambda " << lambda;
  }
}

TEST(Nmf, NegativeValuesAreRefusedOrShifted) {
  Mixed mixed(100, 8, 2);
  const Assignment plain = Nmf().fit(mixed.features, 2);
  for (std::int64_t i = 0; i < 100; ++i) mixed.features(i, 3) -= 50;
  const std::string message = user_error_of([&] { Nmf().fit(mixed.features, 2); });
  EXPECT_CONTAINS(message, "row 0, column 3 holds -");
  EXPECT_CONTAINS(message, "shift=true");
  const Assignment shifted = Nmf({.shift = true}).fit(mixed.features, 2);
  expect_sound(shifted);
  EXPECT_GT(accuracy(shifted.labels, plain.labels), 0.9);
}

TEST(Nmf, AsManyClustersAsRowsZerosAndCoincidingRows) {
  Matrix<float> identity(5, 5);
  for (std::int64_t i = 0; i < 5; ++i) identity(i, i) = static_cast<float>(i + 1);
  std::vector<std::int32_t> labels = Nmf().fit(identity, 5).labels;
  std::sort(labels.begin(), labels.end());
  EXPECT_EQ(labels, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));

  // A third of the rows is zero, column 2 always, and one column alone works too.
  Matrix<float> repeated(30, 3);
  for (std::int64_t i = 0; i < 30; ++i)
    if (i % 3 < 2) repeated(i, i % 3) = 1;
  for (const double lambda : {0.0, 1.0}) {
    const Assignment found = Nmf({.lambda = lambda}).fit(repeated, 3);
    expect_sound(found);
    EXPECT_NE(found.labels[0], found.labels[1]);
    for (std::int64_t i = 3; i < 30; ++i) EXPECT_EQ(found.labels[i], found.labels[i % 3]);
  }
  Matrix<float> column(6, 1);
  for (std::int64_t i = 0; i < 6; ++i) column(i, 0) = static_cast<float>(i);
  expect_sound(Nmf().fit(column, 2));
}

TEST(Nmf, SameSeedSameResultAndPredictRepeatsTheFit) {
  const Mixed mixed(1500, 25, 6, 1.0);
  for (const double lambda : {0.0, 1.0}) {
    const NmfParams params{.lambda = lambda, .shift = true, .restarts = 2, .max_iterations = 40};
    Nmf nmf(params), again(params), loaded(params);
    const Assignment fitted = nmf.fit(mixed.features, 6, {.seed = 9});
    loaded.load(nmf.save());
    for (const Assignment& other : {again.fit(mixed.features, 6, {.seed = 9}),
                                    nmf.predict(mixed.features), loaded.predict(mixed.features)}) {
      EXPECT_EQ(other.labels, fitted.labels);
      EXPECT_TRUE(std::equal(other.probabilities.data(),
                             other.probabilities.data() + other.probabilities.size(),
                             fitted.probabilities.data()));
    }
  }
}

TEST(Nmf, RefusesBadInputAndStops) {
  const Mixed mixed(20, 4, 2);
  EXPECT_CONTAINS(user_error_of([&] { Nmf().fit(mixed.features, 21); }), "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { Nmf({.lambda = -1}); }), "lambda = -1 is out of range");
  EXPECT_CONTAINS(user_error_of([&] { Nmf().predict(mixed.features); }), "not trained");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(Nmf().fit(mixed.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
