#pragma once

#include <cstdint>

#include "coterie/core/matrix.h"
#include "coterie/shallow/rows.h"

namespace coterie {

/// |x - c|^2 of a row to a centre, summed in double.
double squared_distance(const float* x, const double* centre, std::int64_t columns);

/// p_k ~ 1 / |x_i - c_k|^2 for each prepared row: the memberships of fuzzy c-means with m = 2. They
/// rank how sure a label is and need no scale. `centres` [K, D] are in the rows' prepared
/// coordinates, `out` is [N, K].
void closeness_to_centres(const PreparedRows& rows, const Matrix<double>& centres,
                          Matrix<float>& out);

}  // namespace coterie
