#include "coterie/shallow/cauchy_field.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"

namespace coterie {
namespace {

/// Points spread evenly over [-half, half] x [-half / squeeze, half / squeeze].
Matrix<float> spread_points(std::int64_t count, double half, double squeeze = 1) {
  RandomStream random(3, "points");
  Matrix<float> points(count, 2);
  for (std::int64_t i = 0; i < count; ++i) {
    points(i, 0) = static_cast<float>((2 * random.uniform() - 1) * half);
    points(i, 1) = static_cast<float>((2 * random.uniform() - 1) * half / squeeze);
  }
  return points;
}

/// How far the fast sums are from those of the definition, in double over all pairs.
struct Errors {
  double total = 0;  // of the total, relative
  double worst = 0;  // of a force, relative to the largest force
  double mean = 0;   // root of the forces' mean square, relative to theirs

  explicit Errors(const Matrix<float>& points) {
    Matrix<float> forces(points.rows(), 2);
    CauchyField field;
    const double found = field.compute(points, forces);
    double sum = 0, largest = 0, squares = 0;
    for (std::int64_t i = 0; i < points.rows(); ++i) {
      double force[2] = {};
      for (std::int64_t j = 0; j < points.rows(); ++j) {
        if (j == i) continue;
        const double x = static_cast<double>(points(i, 0)) - points(j, 0);
        const double y = static_cast<double>(points(i, 1)) - points(j, 1);
        const double w = 1 / (1 + x * x + y * y);
        sum += w;
        force[0] += w * w * x;
        force[1] += w * w * y;
      }
      const double error = std::hypot(forces(i, 0) - force[0], forces(i, 1) - force[1]);
      largest = std::max(largest, std::hypot(force[0], force[1]));
      worst = std::max(worst, error);
      mean += error * error;
      squares += force[0] * force[0] + force[1] * force[1];
    }
    total = std::abs(found / sum - 1);
    worst /= largest;
    mean = std::sqrt(mean / squares);
  }
};

TEST(CauchyField, EqualsTheSumsOverAllPairs) {
  // From a start within 1e-4 to layouts as they come out, of two points on a unit of area: by the
  // grid.
  for (const double half : {1e-4, 1e-2, 0.5, 2.0, 5.0, 10.0, 25.0}) {
    const Errors errors(spread_points(half < 20 ? 2000 : 4000, half));
    EXPECT_LT(errors.total, 1e-4) << half;
    EXPECT_LT(errors.worst, 0.01) << half;
    EXPECT_LT(errors.mean, 0.01) << half;
  }
  // Few points, or points far apart, go pair by pair.
  for (const double half : {0.5, 20.0, 500.0}) {
    const Errors errors(spread_points(333, half));
    EXPECT_LT(errors.total, 1e-6) << half;
    EXPECT_LT(errors.worst, 1e-5) << half;
  }
}

TEST(CauchyField, LongAndNarrowAndHigh) {
  EXPECT_LT(Errors(spread_points(2500, 30, 40)).mean, 0.01);
  Matrix<float> turned = spread_points(2500, 30, 40);
  for (std::int64_t i = 0; i < turned.rows(); ++i) std::swap(turned(i, 0), turned(i, 1));
  EXPECT_LT(Errors(turned).mean, 0.01);
}

TEST(CauchyField, TwoPointsByHand) {
  // At a distance of 2: w = 1/5, force w^2 2 = 0.08 along x.
  Matrix<float> points(2, 2), forces(2, 2);
  points(1, 0) = 2;
  CauchyField field;
  EXPECT_NEAR(field.compute(points, forces), 0.4, 1e-7);
  EXPECT_NEAR(forces(0, 0), -0.08, 1e-7);
  EXPECT_NEAR(forces(1, 0), 0.08, 1e-7);
  EXPECT_EQ(forces(0, 1), 0);
  // At a distance of 10^5, what a sum with the 1 of the points themselves would lose.
  points(1, 0) = 1e5f;
  EXPECT_NEAR(field.compute(points, forces), 2e-10, 1e-15);
}

TEST(CauchyField, PointsThatCoincide) {
  for (const std::int64_t count : {50, 2000}) {  // by pairs, and by the grid
    Matrix<float> points(count, 2), forces(count, 2);
    points.fill(7);
    CauchyField field;
    const auto pairs = static_cast<double>(count * (count - 1));
    EXPECT_NEAR(field.compute(points, forces), pairs, 1e-4 * pairs);
    for (std::int64_t i = 0; i < forces.size(); ++i)
      ASSERT_NEAR(forces.data()[i], 0, 1e-5 * static_cast<double>(count));
  }
}

TEST(CauchyField, UsedAgainItGivesWhatAFreshOneGives) {
  CauchyField used;
  for (const double half : {25.0, 0.01, 3.0, 8.0, 25.0}) {
    const Matrix<float> points = spread_points(2500, half);
    Matrix<float> forces(2500, 2), expected(2500, 2);
    CauchyField fresh;
    EXPECT_EQ(used.compute(points, forces), fresh.compute(points, expected));
    for (std::int64_t i = 0; i < forces.size(); ++i)
      ASSERT_EQ(forces.data()[i], expected.data()[i]) << half;
  }
}

TEST(CauchyField, TheSameWhateverTheThreads) {
  const Matrix<float> points = spread_points(5000, 30);
  Matrix<float> many(5000, 2), one(5000, 2);
  CauchyField first, second;
  const int threads = thread_count();
  set_thread_count(4);
  const double total = first.compute(points, many);
  set_thread_count(1);
  EXPECT_EQ(second.compute(points, one), total);
  set_thread_count(threads);
  for (std::int64_t i = 0; i < one.size(); ++i) ASSERT_EQ(one.data()[i], many.data()[i]);
}

TEST(CauchyFieldSlow, OneFarPointMakesTheGridCoarseAndNotLarge) {
  // At its usual spacing the grid would have 500,000 nodes a side.
  const std::int64_t count = 25'000;
  Matrix<float> points = spread_points(count, 50), forces(count, 2);
  points(0, 0) = 1e5f;
  CauchyField field;
  const double total = field.compute(points, forces);
  EXPECT_TRUE(std::isfinite(total));
  EXPECT_GT(total, 0);
  for (std::int64_t i = 0; i < forces.size(); ++i) ASSERT_TRUE(std::isfinite(forces.data()[i]));
}

}  // namespace
}  // namespace coterie
