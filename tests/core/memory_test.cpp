#include "coterie/core/memory.h"

#include <gtest/gtest.h>

#include "testing.h"

namespace coterie {
namespace {

TEST(Memory, WhatIsFreeIsNoMoreThanTheMachineHas) {
  const auto available = available_memory();
  ASSERT_TRUE(available.has_value());
  EXPECT_GT(*available, std::uint64_t{1} << 20);
  EXPECT_LE(*available, static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                            static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

TEST(Memory, TooMuchIsRefusedWithFigureAndRemedy) {
  EXPECT_NO_THROW(require_memory(1000, "a little", "nothing to do"));
  const std::string message = testing::user_error_of(
      [] { require_memory(1e18, "the distances of all pairs", "take linkage=ward"); });
  EXPECT_CONTAINS(message, "the distances of all pairs would take 1000000000.0 GB");
  EXPECT_CONTAINS(message, "free; take linkage=ward");
}

}  // namespace
}  // namespace coterie
