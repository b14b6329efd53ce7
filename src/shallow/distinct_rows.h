#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

/// For each row the first row that equals it, which may be itself; [N], O(N D).
std::vector<std::int64_t> first_equal_rows(ConstFeatures features);

/// The rows that differ from each other. Graphs of nearest neighbours need them: many equal rows
/// would be each other's only neighbours and part a graph that has no gap there.
class DistinctRows {
 public:
  /// Keeps a view of `features`; copies the distinct rows only where some are equal.
  explicit DistinctRows(ConstFeatures features);

  /// Each row once, in the order of their first appearance, [M, D].
  ConstFeatures features() const { return copy_.empty() ? all_ : copy_.view(); }
  /// For each of all rows its number among the distinct ones, [N].
  const std::vector<std::int64_t>& index() const { return index_; }

  /// Labels [N] of all rows from those of the distinct ones [M].
  std::vector<std::int32_t> expand(const std::vector<std::int32_t>& labels) const;

 private:
  ConstFeatures all_;
  Matrix<float> copy_;
  std::vector<std::int64_t> index_;
};

}  // namespace coterie
