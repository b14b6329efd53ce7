#include "coterie/shallow/principal_components.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "coterie/core/random.h"
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
  // 60 columns with deviations 1, 1/2, 1/3, ..., in turned axes, far from the origin: 3 of them are
  // found by the random block, all 60 at once.
  const std::int64_t n = 500, columns = 60;
  RandomStream random(2, "rows");
  const Eigen::MatrixXd turn =
      Eigen::HouseholderQR<Eigen::MatrixXd>(Eigen::MatrixXd::NullaryExpr(columns, columns, [&] {
        return random.normal();
      })).householderQ();
  Eigen::MatrixXd values(n, columns);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t d = 0; d < columns; ++d)
      values(i, d) = random.normal() / static_cast<double>(d + 1);
  values = values * turn;
  Matrix<float> x(n, columns);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t d = 0; d < columns; ++d) x(i, d) = static_cast<float>(values(i, d) + 20);
  const Eigen::MatrixXd centred = values.rowwise() - values.colwise().mean();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(centred.transpose() * centred /
                                                              static_cast<double>(n));
  for (const std::int64_t count : {std::int64_t{3}, columns}) {
    PrincipalComponents components;
    components.fit(x, count);
    ASSERT_EQ(components.variances().size(), static_cast<std::size_t>(count));
    for (std::int64_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(components.variances()[k], solver.eigenvalues()(columns - 1 - k), 1e-4);
      double cosine = 0;
      for (std::int64_t d = 0; d < columns; ++d)
        cosine += components.directions()(d, k) * solver.eigenvectors()(d, columns - 1 - k);
      EXPECT_NEAR(std::abs(cosine), 1, 1e-4);
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
