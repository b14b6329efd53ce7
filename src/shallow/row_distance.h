#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/rows.h"

namespace coterie {

/// Squared Euclidean distance between two of the rows, in double from their differences, so that
/// near rows lose no digits. Between unit vectors where `cosine`: |x - y|^2 = 2 - 2 cos.
class RowDistance {
 public:
  RowDistance(ConstFeatures rows, bool cosine) : rows_(rows) {
    if (!cosine) return;
    scales_.resize(static_cast<std::size_t>(rows.rows));
    for (std::int64_t i = 0; i < rows.rows; ++i) row_changed(i);
  }

  /// To be called where the values of row i are others now.
  void row_changed(std::int64_t i) {
    if (!scales_.empty()) scales_[i] = PreparedRows::inverse_length(rows_.row(i), rows_.cols);
  }

  double operator()(std::int64_t i, std::int64_t j) const {
    const float *x = rows_.row(i), *y = rows_.row(j);
    const double scale_x = scales_.empty() ? 1.0 : scales_[i];
    const double scale_y = scales_.empty() ? 1.0 : scales_[j];
    double partial[16] = {};
    std::int64_t d = 0;
    for (; d + 16 <= rows_.cols; d += 16)
      for (int lane = 0; lane < 16; ++lane) {
        const double step = x[d + lane] * scale_x - y[d + lane] * scale_y;
        partial[lane] += step * step;
      }
    double sum = 0;
    for (; d < rows_.cols; ++d) {
      const double step = x[d] * scale_x - y[d] * scale_y;
      sum += step * step;
    }
    for (const double part : partial) sum += part;
    return sum;
  }

 private:
  ConstFeatures rows_;
  std::vector<double> scales_;  // 1 / |row|, where the distance is cosine
};

}  // namespace coterie
