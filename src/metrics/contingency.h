#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

/// Throws UserError giving both lengths where they differ.
void check_same_length(std::span<const std::int32_t> a, std::span<const std::int32_t> b);

/// Labels renumbered 0..count-1 without gaps, in the order of their values.
struct CompactLabels {
  std::vector<std::int32_t> labels;  ///< [N], the new numbers
  std::vector<std::int32_t> values;  ///< [count], what each new number stood for
  std::int64_t count() const { return static_cast<std::int64_t>(values.size()); }
};

/// Renumbers labels, which may be any non-negative numbers with gaps. O(N), or O(N log N) where
/// they are much larger than N. Throws UserError where there are none or one is negative.
CompactLabels compact_labels(std::span<const std::int32_t> labels);

/// How often label i of `a` meets label j of `b`: counts [max(a) + 1, max(b) + 1]; a number that
/// never occurs has a row (column) of zeros. Throws UserError where the lengths differ or are 0, a
/// label is negative, or the table would have more than 2^26 cells.
Matrix<std::int64_t> contingency_table(std::span<const std::int32_t> a,
                                       std::span<const std::int32_t> b);

}  // namespace coterie
