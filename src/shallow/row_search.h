#pragma once

#include <cstdint>

#include "coterie/shallow/neighbours.h"

namespace coterie {

/// The `count` rows [N, D] nearest to each query [M, D] (Euclidean), nearest first; of equal
/// distances the lower row first. Unlike nearest_neighbours, rows and queries are two sets, and a
/// row that equals a query is found. Float products of blocks, then the distances of what is found
/// again in double, and of all rows where rounding could have decided: M N D operations, O(M count)
/// memory beside the rows.
///
/// Throws UserError unless 1 <= count <= N and the widths agree, Interrupted when cancelled.
Neighbours nearest_rows(ConstFeatures queries, ConstFeatures rows, std::int64_t count,
                        const ShallowContext& context = {});

}  // namespace coterie
