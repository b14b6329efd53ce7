#include "coterie/shallow/tsne_objective.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coterie/core/random.h"
#include "shallow/toy_data.h"

namespace coterie {
namespace {

using testing::Blobs;

constexpr std::int64_t kRows = 1500;  // enough for the repulsion to come from the grid

Affinities some_affinities() {
  const Blobs blobs(kRows, 6, 4, 3.0);
  return affinities_of_rows(blobs.features, 12);
}

Matrix<float> some_positions(double deviation) {
  RandomStream random(7, "positions");
  Matrix<float> positions(kRows, 2);
  for (std::int64_t i = 0; i < positions.size(); ++i)
    positions.data()[i] = static_cast<float>(deviation * random.normal());
  return positions;
}

/// By the definition, in double, with dense p and q.
struct Exact {
  Exact(const Affinities& joint, const Matrix<float>& y, double exaggeration)
      : gradient(y.rows(), 2) {
    const std::int64_t n = y.rows();
    Matrix<double> p(n, n), w(n, n);
    double total = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t e = joint.offsets[i]; e < joint.offsets[i + 1]; ++e)
        p(i, joint.columns[e]) += joint.values[e];
      for (std::int64_t j = 0; j < n; ++j) {
        const double x = static_cast<double>(y(i, 0)) - y(j, 0);
        const double z = static_cast<double>(y(i, 1)) - y(j, 1);
        w(i, j) = i == j ? 0 : 1 / (1 + x * x + z * z);
        total += w(i, j);
      }
    }
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        if (i == j) continue;
        const double q = w(i, j) / total;
        if (p(i, j) > 0) divergence += p(i, j) * std::log(p(i, j) / q);
        for (int d = 0; d < 2; ++d)
          gradient(i, d) +=
              4 * (exaggeration * p(i, j) - q) * w(i, j) * (static_cast<double>(y(i, d)) - y(j, d));
      }
  }
  Matrix<double> gradient;
  double divergence = 0;
};

TEST(TsneObjective, GradientEqualsTheExactOne) {
  const Affinities joint = some_affinities();
  TsneObjective objective(joint);
  Matrix<float> gradient(kRows, 2);
  for (const double deviation : {1e-4, 0.1, 2.0, 5.0})
    for (const double exaggeration : {1.0, 12.0}) {
      const Matrix<float> y = some_positions(deviation);
      objective.gradient(y, exaggeration, gradient);
      const Exact exact(joint, y, exaggeration);
      double error = 0, square = 0;
      for (std::int64_t i = 0; i < y.size(); ++i) {
        error += std::pow(gradient.data()[i] - exact.gradient.data()[i], 2);
        square += std::pow(exact.gradient.data()[i], 2);
      }
      EXPECT_LT(std::sqrt(error / square), 0.01) << deviation << ", " << exaggeration;
    }
}

TEST(TsneObjective, DivergenceEqualsTheExactOne) {
  const Affinities joint = some_affinities();
  TsneObjective objective(joint);
  Matrix<float> gradient(kRows, 2);
  for (const double deviation : {1e-4, 2.0, 5.0}) {
    const Matrix<float> y = some_positions(deviation);
    objective.gradient(y, 1, gradient);
    EXPECT_NEAR(objective.divergence(y), Exact(joint, y, 1).divergence, 5e-4) << deviation;
  }
}

TEST(TsneObjective, TheGradientIsTheDivergencesSlope) {
  const Affinities joint = some_affinities();
  const Matrix<float> y = some_positions(3);
  TsneObjective objective(joint);
  Matrix<float> gradient(kRows, 2);
  objective.gradient(y, 1, gradient);
  // Along the gradient, by exact divergences a small step before and behind.
  double square = 0;
  for (std::int64_t i = 0; i < y.size(); ++i) square += std::pow(gradient.data()[i], 2);
  Matrix<float> ahead = y, behind = y;
  const double step = 0.05 / std::sqrt(square);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    ahead.data()[i] += static_cast<float>(step * gradient.data()[i]);
    behind.data()[i] -= static_cast<float>(step * gradient.data()[i]);
  }
  const double rise = Exact(joint, ahead, 1).divergence - Exact(joint, behind, 1).divergence;
  EXPECT_NEAR(rise / (2 * step * square), 1, 0.01);
}

}  // namespace
}  // namespace coterie
