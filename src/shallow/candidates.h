#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace coterie {

/// A distance and the row that lies there: the nearer first, of equal distances the lower row.
using Candidate = std::pair<float, std::int64_t>;

/// So many candidates more than asked for are kept by searches in float, so that rounding seldom
/// decides who is in (rounding_decides): only then is a row compared with all others again.
inline constexpr std::int64_t kSpareCandidates = 3;

/// Gives the candidates their distance(row) anew and brings the `count` nearest to the front, in
/// order.
template <class Distance>
void sort_nearest(std::span<Candidate> candidates, std::int64_t count, const Distance& distance) {
  for (auto& [value, row] : candidates) value = static_cast<float>(distance(row));
  std::partial_sort(candidates.begin(), candidates.begin() + count, candidates.end());
}

}  // namespace coterie
