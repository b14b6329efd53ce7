#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/rows.h"

namespace coterie {

/// Squared Euclidean distance of two rows, each times its scale, in double from their differences,
/// so that near rows lose no digits. By sixteen partial sums so that the compiler may use vectors.
inline double squared_distance(const float* x, const float* y, std::int64_t columns,
                               double scale_x = 1, double scale_y = 1) {
  double partial[16] = {};
  std::int64_t d = 0;
  for (; d + 16 <= columns; d += 16)
    for (int lane = 0; lane < 16; ++lane) {
      const double step = x[d + lane] * scale_x - y[d + lane] * scale_y;
      partial[lane] += step * step;
    }
  double sum = 0;
  for (; d < columns; ++d) {
    const double step = x[d] * scale_x - y[d] * scale_y;
    sum += step * step;
  }
  for (const double part : partial) sum += part;
  return sum;
}

/// How far |x|^2 / 2 + |y|^2 / 2 - x.y in float may be from half the squared distance of rows of D
/// columns, where |x|^2 / 2 is `half_square` and y is at most twice as long. (Of a longer y the
/// distance is at least half its length, and the part of it that is lost is as small.)
inline double product_rounding(double half_square, std::int64_t columns) {
  // The sum of D products loses some sqrt(D) roundings of |x| |y|, its three terms a few more.
  constexpr double kUnit = std::numeric_limits<float>::epsilon();
  return 4 * kUnit * (8 + std::sqrt(static_cast<double>(columns))) * half_square;
}

/// Whether a row that is nearer by more than a ten-thousandth than the last of those found, at the
/// squared distance `last`, may have been left out: all others were at half squared distances of
/// `worst` or more, which may be off by `rounding`.
inline bool rounding_decides(double last, double worst, double rounding) {
  constexpr double kNegligible = 1e-4;
  return last > 0 && rounding > kNegligible * 0.5 * last && 0.5 * last >= worst - rounding;
}

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
    if (scales_.empty()) return squared_distance(rows_.row(i), rows_.row(j), rows_.cols);
    return squared_distance(rows_.row(i), rows_.row(j), rows_.cols, scales_[i], scales_[j]);
  }

 private:
  ConstFeatures rows_;
  std::vector<double> scales_;  // 1 / |row|, where the distance is cosine
};

}  // namespace coterie
