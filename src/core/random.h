#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace coterie {

/// A stream of random numbers (xoshiro256++) derived from a seed and a name. Two streams of
/// different names are independent; the same pair gives the same numbers on every machine, as no
/// distribution of the standard library is used (of `normal` the last bit is the C library's).
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name, std::uint64_t index = 0);

  std::uint64_t next();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform integer in [0, bound), without bias. `bound` must be positive.
  std::uint64_t below(std::uint64_t bound);
  /// Standard normal (Box-Muller, both values used).
  double normal();

  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_[4];
  double spare_ = 0.0;
  bool has_spare_ = false;
};

}  // namespace coterie
