#include "coterie/shallow/sweep_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace coterie {
namespace {

std::vector<std::uint32_t> sorted(std::span<const std::uint32_t> rows) {
  std::vector<std::uint32_t> copy(rows.begin(), rows.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

std::vector<std::uint32_t> all_of(std::uint32_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

TEST(SweepPlan, VisitsEachRowOnceInAShuffledOrder) {
  for (const std::int64_t row_bytes : {4, 4096, 1 << 20}) {
    RandomStream stream(1, "test");
    const SweepPlan plan(3001, row_bytes, stream);
    EXPECT_EQ(sorted(plan.visit()), all_of(3001));
    EXPECT_FALSE(std::is_sorted(plan.visit().begin(), plan.visit().end()));
    EXPECT_TRUE(plan.full());
  }
}

TEST(SweepPlan, LargeDataAreReadInLongPieces) {
  // Rows of 4 KiB: pieces of 64 rows, windows of 256 pieces. A window touches 256 pieces and no
  // more.
  RandomStream stream(1, "test");
  const std::int64_t rows = 64 * 256 * 3;
  const SweepPlan plan(rows, 4096, stream);
  EXPECT_EQ(sorted(plan.visit()), all_of(static_cast<std::uint32_t>(rows)));
  std::vector<std::uint32_t> pieces;
  for (std::size_t i = 0; i < 64 * 256; ++i) pieces.push_back(plan.visit()[i] / 64);
  std::sort(pieces.begin(), pieces.end());
  pieces.erase(std::unique(pieces.begin(), pieces.end()), pieces.end());
  EXPECT_EQ(pieces.size(), 256u);
  EXPECT_GT(pieces.back() - pieces.front(), 300u);  // from all over the file
}

TEST(SweepPlan, KeepsWhatIsToBeVisitedAgain) {
  SweepPlan plan(6);
  for (std::size_t place = 0; place < 6; ++place) plan.keep(place, place % 2 == 1);
  plan.visit_kept();
  EXPECT_EQ(sorted(plan.visit()), (std::vector<std::uint32_t>{1, 3, 5}));
  EXPECT_FALSE(plan.full());
  plan.keep(0, false);
  plan.keep(1, true);
  plan.keep(2, false);
  plan.visit_kept();
  EXPECT_EQ(sorted(plan.visit()), (std::vector<std::uint32_t>{3}));
  plan.visit_all();
  EXPECT_TRUE(plan.full());
}

}  // namespace
}  // namespace coterie
