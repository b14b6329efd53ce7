#include "coterie/shallow/whitening.h"

#include <cmath>

#include "coterie/core/random.h"
#include "testing.h"

namespace coterie {
namespace {

TEST(Whitening, MakesAnAxisAlignedCloudUnit) {
  // x is -2 or 2, y is 4 or 6, all four combinations: variances 4 and 1, means 0 and 5.
  Matrix<float> rows(4, 2);
  for (int i = 0; i < 4; ++i) {
    rows(i, 0) = i % 2 ? 2 : -2;
    rows(i, 1) = i / 2 ? 6 : 4;
  }
  Whitening whitening;
  whitening.fit(rows);
  const auto out = whitening.apply(rows);
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(out(i, 0), i % 2 ? 1 : -1, 1e-6);
    EXPECT_NEAR(out(i, 1), i / 2 ? 1 : -1, 1e-6);
  }
}

TEST(Whitening, KeepsTheFirstComponentsThatHoldTheShare) {
  // Variances 16, 3 and 1: shares .8, .95 and 1.
  Matrix<float> rows(8, 3);
  for (int i = 0; i < 8; ++i) {
    rows(i, 0) = i & 1 ? 4 : -4;
    rows(i, 1) = static_cast<float>(i & 2 ? std::sqrt(3) : -std::sqrt(3));
    rows(i, 2) = i & 4 ? 1 : -1;
  }
  const std::pair<double, std::int64_t> expected[] = {
      {0.5, 1}, {0.79, 1}, {0.9, 2}, {0.97, 3}, {1, 3}};
  for (const auto& [share, columns] : expected) {
    Whitening whitening;
    whitening.fit(rows, share);
    const auto out = whitening.apply(rows);
    ASSERT_EQ(out.cols(), columns) << share;
    EXPECT_NEAR(std::abs(out(0, 0)), 1, 1e-6);
  }
}

/// 3,000 rows of 5 columns: mixed from four independent ones, the last a copy of the first.
Matrix<float> mixed_rows() {
  RandomStream random(3, "whitening");
  Matrix<float> rows(3000, 5);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const double a = random.normal(), b = random.normal(), c = random.normal(), d = random.normal();
    const double values[] = {3 * a + 1, a - 2 * b, b + 0.5 * c + 7, 0.1 * d - c, 3 * a + 1};
    for (int k = 0; k < 5; ++k) rows(i, k) = static_cast<float>(values[k]);
  }
  return rows;
}

TEST(Whitening, CovarianceBecomesTheIdentityAndEmptyDirectionsGo) {
  const auto rows = mixed_rows();
  Whitening whitening;
  whitening.fit(rows);
  const auto out = whitening.apply(rows);
  ASSERT_EQ(out.cols(), 4);
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b <= a; ++b) {
      double sum = 0;
      for (std::int64_t i = 0; i < out.rows(); ++i) sum += out(i, a) * out(i, b);
      EXPECT_NEAR(sum / 3000, a == b ? 1 : 0, 1e-4);
    }
}

TEST(Whitening, RowsDoNotDependOnTheirNeighboursAndTheMapIsStored) {
  const auto rows = mixed_rows();
  Whitening whitening, loaded;
  whitening.fit(rows);
  loaded.load(whitening.save());
  const auto all = whitening.apply(rows);
  const auto part = loaded.apply(rows.view().slice(700, 707));
  for (int i = 0; i < 7; ++i)
    for (int k = 0; k < 4; ++k) EXPECT_EQ(part(i, k), all(700 + i, k));
}

TEST(Whitening, RefusesEqualRowsAndOtherWidths) {
  Matrix<float> equal(5, 3);
  Whitening whitening;
  EXPECT_CONTAINS(testing::user_error_of([&] { whitening.fit(equal); }),
                  "all 5 rows of 3 values are equal");
  whitening.fit(mixed_rows());
  testing::user_error_of([&] { whitening.apply(equal); });
}

}  // namespace
}  // namespace coterie
