#include "coterie/shallow/principal_components.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "coterie/core/random.h"
#include "coterie/shallow/stored_tensors.h"
#include "coterie/shallow/whitening.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;

TEST(PrincipalComponents, ByHand) {
  // (5, 5) +- 3 along (0.6, 0.8), +- 1 across: variances 4.5 and 0.5.
  const float x[8] = {6.8f, 7.4f, 3.2f, 2.6f, 4.2f, 5.6f, 5.8f, 4.4f};
  PrincipalComponents components;
  components.fit({x, 4, 2}, 2);
  ASSERT_EQ(components.variances().size(), 2u);
  EXPECT_NEAR(components.variances()[0], 4.5, 1e-5);
  EXPECT_NEAR(components.variances()[1], 0.5, 1e-5);
  EXPECT_NEAR(components.directions()(0, 0), 0.6, 1e-6);
  EXPECT_NEAR(components.directions()(1, 0), 0.8, 1e-6);
  EXPECT_NEAR(components.directions()(0, 1), 0.8, 1e-6);  // the largest entry is positive
  EXPECT_NEAR(components.directions()(1, 1), -0.6, 1e-6);
  const Matrix<float> y = components.apply({x, 4, 2});
  const float expected[8] = {3, 0, -3, 0, 0, -1, 0, 1};
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(y.data()[i], expected[i], 1e-5);
}

TEST(PrincipalComponents, EqualThoseOfTheCovariance) {
  // 60 columns with deviations 1, 1/2, 1/3, ..., mirrored at a slanting plane, far from the origin.
  const std::int64_t n = 500, columns = 60;
  RandomStream random(2, "rows");
  Matrix<float> x(n, columns);
  for (std::int64_t i = 0; i < n; ++i) {
    std::vector<double> row(columns);
    double along = 0;  // the plane's normal is (1, 1, ..., 1)
    for (std::int64_t d = 0; d < columns; ++d) {
      row[d] = random.normal() / static_cast<double>(d + 1);
      along += row[d] / static_cast<double>(columns);
    }
    for (std::int64_t d = 0; d < columns; ++d)
      x(i, d) = static_cast<float>(row[d] - 2 * along + 20);
  }
  // Whitening solves for all directions of the covariance: w_k = v_k / sqrt(lambda_k).
  Whitening whitening;
  whitening.fit(x);
  const TensorMap tensors = whitening.save();
  const Matrix<double> map = StoredTensors(tensors, "whitening").matrix("map");
  ASSERT_EQ(map.cols(), columns);
  // 3 of them are found by a random block of 13, all 60 at once.
  for (const std::int64_t count : {std::int64_t{3}, columns}) {
    PrincipalComponents components;
    components.fit(x, count);
    ASSERT_EQ(components.variances().size(), static_cast<std::size_t>(count));
    for (std::int64_t k = 0; k < 3; ++k) {
      double square = 0, product = 0;
      for (std::int64_t d = 0; d < columns; ++d) {
        square += map(d, k) * map(d, k);
        product += map(d, k) * components.directions()(d, k);
      }
      EXPECT_NEAR(components.variances()[k], 1 / square, 1e-4);
      EXPECT_NEAR(product / std::sqrt(square), 1, 1e-4);
    }
  }
}

TEST(PrincipalComponents, ConstantRowsHaveNoVariance) {
  Matrix<float> x(30, 40);
  x.fill(3);
  PrincipalComponents components;
  components.fit(x, 2);
  EXPECT_EQ(components.variances(), (std::vector<double>{0, 0}));
  const Matrix<float> y = components.apply(x);
  for (std::int64_t i = 0; i < y.size(); ++i) EXPECT_EQ(y.data()[i], 0);
}

TEST(PrincipalComponents, FewerColumnsThanAsked) {
  Matrix<float> x(3, 1);
  x(1, 0) = 1;
  x(2, 0) = 2;
  PrincipalComponents components;
  components.fit(x, 50);
  EXPECT_EQ(components.apply(x).cols(), 1);
  EXPECT_CONTAINS(user_error_of([&] { components.apply(Matrix<float>(2, 3)); }), "3");
}

}  // namespace
}  // namespace coterie
