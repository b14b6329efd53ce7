#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

/// The assignment of rows to columns with the least total cost (the linear assignment problem), by
/// shortest augmenting paths with dual prices (Kuhn 1955; Jonker and Volgenant 1987).
///
/// `cost` is [R, C], finite. min(R, C) pairs are made; no row and no column is used twice. Returns
/// each row's column, -1 where there are more rows than columns and this one has none. Exact for
/// costs that are whole numbers below 2^53; among assignments of equal cost the choice is the same
/// on every run. Takes O(min(R, C)^2 max(R, C)) time and O(R C) memory where R > C, O(R + C)
/// otherwise. Throws UserError where a cost is infinite or not a number.
std::vector<std::int64_t> min_cost_assignment(MatrixView<const double> cost);

/// New numbers for the clusters of `after` [N] under which as many rows as can be keep the cluster
/// that they have in `before` [N], both numbered 0..K-1: entry c is that of cluster c.
std::vector<std::int64_t> matched_clusters(const std::vector<std::int32_t>& before,
                                           const std::vector<std::int32_t>& after,
                                           std::int64_t clusters);

}  // namespace coterie
