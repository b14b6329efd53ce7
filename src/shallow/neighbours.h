#pragma once

#include <cstdint>

#include "coterie/core/matrix.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

/// The nearest other rows of each row, nearest first.
struct Neighbours {
  Matrix<std::int64_t> rows;  ///< [N, count]
  Matrix<float> distances;    ///< [N, count], squared Euclidean
};

/// Exact search among the rows [N, D] themselves, a row never being its own neighbour:
/// O(N^2 D) time, O(N count) memory. FAISS does it where the build has it, otherwise our own
/// blocked search; both give the same rows where distances differ. Throws UserError unless 1 <=
/// count < N, Interrupted when cancelled.
Neighbours nearest_neighbours(ConstFeatures features, std::int64_t count,
                              const ShallowContext& context = {});

/// The search without FAISS, in every build.
Neighbours nearest_neighbours_blocked(ConstFeatures features, std::int64_t count,
                                      const ShallowContext& context = {});

}  // namespace coterie
