#pragma once

#include <cstdint>
#include <vector>

namespace coterie::testing {

/// `count` numbers below `bound` from the linear congruential generator
/// x = (1103515245 x + 12345) mod 2^31, each (x >> 16) mod bound: data that a script in another
/// language makes again in three lines, to compute expected values there.
inline std::vector<std::int32_t> pattern(std::int64_t count, std::int64_t bound, std::int64_t x) {
  std::vector<std::int32_t> out;
  for (std::int64_t i = 0; i < count; ++i) {
    x = (x * 1103515245 + 12345) % 2147483648;
    out.push_back(static_cast<std::int32_t>((x >> 16) % bound));
  }
  return out;
}

}  // namespace coterie::testing
