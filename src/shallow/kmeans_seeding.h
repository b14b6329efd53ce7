#pragma once

#include <cstdint>

#include "coterie/core/matrix.h"
#include "coterie/core/random.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/rows.h"

namespace coterie {

/// Starts for k-means: greedy k-means++ (Arthur and Vassilvitskii 2007). Each next centre is the
/// best of 2 + ln K rows drawn with probability proportional to the squared distance to the centres
/// so far. O(N K log(K) D) time, O(N log K) memory. Returns [K, D] in prepared coordinates. Throws
/// Interrupted when cancelled.
Matrix<double> kmeans_plus_plus(const PreparedRows& rows, std::int64_t clusters,
                                RandomStream& stream, const ShallowContext& context);

}  // namespace coterie
