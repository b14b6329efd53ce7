#include "coterie/shallow/distinct_rows.h"

#include <gtest/gtest.h>

namespace coterie {
namespace {

TEST(DistinctRows, ByHand) {
  Matrix<float> x(5, 2);  // a b a a c, where a holds 0 and -0
  x(1, 0) = 1;
  x(2, 1) = -0.0f;
  x(4, 1) = 3;
  EXPECT_EQ(first_equal_rows(x), (std::vector<std::int64_t>{0, 1, 0, 0, 4}));
  const DistinctRows rows(x);
  ASSERT_EQ(rows.features().rows, 3);
  EXPECT_EQ(rows.features()(1, 0), 1);
  EXPECT_EQ(rows.features()(2, 1), 3);
  EXPECT_EQ(rows.index(), (std::vector<std::int64_t>{0, 1, 0, 0, 2}));
  EXPECT_EQ(rows.expand({7, 8, 9}), (std::vector<std::int32_t>{7, 8, 7, 7, 9}));
}

TEST(DistinctRows, NoCopyWhereAllDiffer) {
  Matrix<float> x(3, 1);
  x(1, 0) = 1;
  x(2, 0) = 2;
  EXPECT_EQ(DistinctRows(x).features().data, x.data());
}

}  // namespace
}  // namespace coterie
