#pragma once

#include <cstdint>

#include "coterie/core/matrix.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

/// `automatic` is exact up to kExactRows rows, and above where the build has no FAISS.
enum class NeighbourSearch { automatic, exact, approximate };
inline constexpr std::int64_t kExactRows = 200'000;

struct NeighbourOptions {
  NeighbourSearch search = NeighbourSearch::automatic;
  bool cosine = false;  ///< between unit vectors: |x - y|^2 = 2 - 2 cos
};

/// The nearest other rows of each row, nearest first; of equal distances the lower row first.
struct Neighbours {
  Matrix<std::int64_t> rows;  ///< [N, count]
  Matrix<float> distances;    ///< [N, count], squared Euclidean
};

/// Searches among the rows [N, D] themselves, a row never being its own neighbour.
///
/// Exact: float products of blocks of rows, each pair of blocks once for both sides: N^2 D
/// operations, O(N count) memory beside the rows. The distances of what is found are then taken
/// again in double, from the rows as they are; where rounding could have left a nearer row out
/// (neighbours much closer to each other than to the mean), the row is compared with all others so.
/// Approximate: FAISS's inverted lists, O(N^1.5 D) time
/// and a copy of the rows. Both give the same result each time.
///
/// Throws UserError unless 1 <= count < N, or where `approximate` is asked of a build without
/// FAISS; Interrupted when cancelled.
///
///     const Neighbours found = nearest_neighbours(features, 10, {.cosine = true});
Neighbours nearest_neighbours(ConstFeatures features, std::int64_t count,
                              const NeighbourOptions& options = {},
                              const ShallowContext& context = {});

}  // namespace coterie
