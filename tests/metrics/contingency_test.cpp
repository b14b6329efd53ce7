#include "coterie/metrics/contingency.h"

#include "testing.h"

namespace coterie {
namespace {

using Labels = std::vector<std::int32_t>;
using testing::user_error_of;

TEST(Contingency, CountsByHandWithGaps) {
  const auto table = contingency_table(Labels{0, 0, 2, 2, 2}, Labels{1, 3, 3, 3, 0});
  ASSERT_EQ(table.rows(), 3);
  ASSERT_EQ(table.cols(), 4);
  const std::int64_t expected[3][4] = {{0, 1, 0, 1}, {0, 0, 0, 0}, {1, 0, 0, 2}};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j) EXPECT_EQ(table(i, j), expected[i][j]) << i << ',' << j;
}

TEST(Contingency, DifferentLengthsGiveBoth) {
  const auto message = user_error_of([] { contingency_table(Labels{0, 1}, Labels{0, 1, 2}); });
  EXPECT_CONTAINS(message, "2 and 3");
}

TEST(Contingency, NegativeLabelIsNamedWithItsPlace) {
  const auto message = user_error_of([] { contingency_table(Labels{0, 1}, Labels{0, -7}); });
  EXPECT_CONTAINS(message, "label -7 at position 1");
  EXPECT_CONTAINS(message, "0 or greater");
}

TEST(Contingency, NoLabels) {
  EXPECT_CONTAINS(user_error_of([] { contingency_table({}, {}); }), "no labels");
}

TEST(Contingency, ATableBeyondMemoryIsRefusedBeforeItIsMade) {
  const auto message =
      user_error_of([] { contingency_table(Labels{2147483647}, Labels{2147483647}); });
  EXPECT_CONTAINS(message, "0 to 2147483647");
  EXPECT_CONTAINS(message, "67108864 cells");
  EXPECT_CONTAINS(user_error_of([] { contingency_table(Labels{1 << 25}, Labels{1}); }), "cells");
}

TEST(Contingency, CompactNumbersFollowTheValues) {
  const auto compact = compact_labels(Labels{7, 3, 7, 0});
  EXPECT_EQ(compact.labels, (Labels{2, 1, 2, 0}));
  EXPECT_EQ(compact.values, (Labels{0, 3, 7}));
  EXPECT_EQ(compact.count(), 3);
}

TEST(Contingency, CompactTakesLabelsFarBeyondTheirNumber) {
  const auto compact = compact_labels(Labels{2147483647, 5, 2147483647, 100000});
  EXPECT_EQ(compact.labels, (Labels{2, 0, 2, 1}));
  EXPECT_EQ(compact.values, (Labels{5, 100000, 2147483647}));
  EXPECT_CONTAINS(user_error_of([] { compact_labels(Labels{1, -1}); }), "label -1 at position 1");
  EXPECT_CONTAINS(user_error_of([] { compact_labels({}); }), "no labels");
}

}  // namespace
}  // namespace coterie
