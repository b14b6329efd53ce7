#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/random.h"

namespace coterie {

/// Feature rows as the algorithms see them: minus the mean of the training rows, and of unit length
/// before that where the distance is cosine. Rows are converted block by block when they are read,
/// so no second copy of the data is made.
class PreparedRows {
 public:
  /// `mean` has one entry a column; see `mean_of`.
  PreparedRows(ConstFeatures features, std::vector<double> mean, bool unit_length)
      : features_(features),
        mean_(std::move(mean)),
        float_mean_(mean_.begin(), mean_.end()),
        unit_length_(unit_length) {}

  /// Mean of the rows (of their unit vectors where `unit_length`), summed in double on all cores,
  /// then rounded to float: so a row less its mean is the same in float as in double.
  static std::vector<double> mean_of(ConstFeatures features, bool unit_length);

  /// The rows as they lie in memory.
  ConstFeatures source() const { return features_; }
  std::int64_t rows() const { return features_.rows; }
  std::int64_t cols() const { return features_.cols; }
  const std::vector<double>& mean() const { return mean_; }
  bool unit_length() const { return unit_length_; }

  /// Writes row i to `out`.
  template <class Real>
  void load(std::int64_t i, Real* out) const {
    const float* row = features_.row(i);
    const std::int64_t columns = cols();
    const double* mean = mean_.data();
    if (unit_length_) {
      const double scale = inverse_length(row, columns);
      for (std::int64_t d = 0; d < columns; ++d)
        out[d] = static_cast<Real>(row[d] * scale - mean[d]);
    } else if constexpr (std::is_same_v<Real, float>) {
      const float* float_mean = float_mean_.data();
      for (std::int64_t d = 0; d < columns; ++d) out[d] = row[d] - float_mean[d];
    } else {
      for (std::int64_t d = 0; d < columns; ++d) out[d] = static_cast<Real>(row[d] - mean[d]);
    }
  }

  void prefetch(std::int64_t i) const {
    const char* bytes = reinterpret_cast<const char*>(features_.row(i));
    const std::int64_t lines = std::min<std::int64_t>(cols() * sizeof(float), 1024);
    for (std::int64_t offset = 0; offset < lines; offset += 64) __builtin_prefetch(bytes + offset);
  }

  /// 1 / |row|, and 0 for a row of zeros, which has no direction.
  static double inverse_length(const float* row, std::int64_t columns);

 private:
  ConstFeatures features_;
  std::vector<double> mean_;
  std::vector<float> float_mean_;
  bool unit_length_;
};

/// `count` rows drawn without replacement, in their own order.
Matrix<float> sample_rows(ConstFeatures features, std::int64_t count, RandomStream& stream);

/// Sum of squares in double, by eight partial sums so that the compiler may use vectors.
template <class Real>
double squared_length(const Real* values, std::int64_t count) {
  double partial[8] = {};
  std::int64_t d = 0;
  for (; d + 8 <= count; d += 8)
    for (int lane = 0; lane < 8; ++lane) {
      const double value = values[d + lane];
      partial[lane] += value * value;
    }
  double rest = 0;
  for (; d < count; ++d) rest += static_cast<double>(values[d]) * values[d];
  return ((partial[0] + partial[4]) + (partial[1] + partial[5])) +
         ((partial[2] + partial[6]) + (partial[3] + partial[7])) + rest;
}

}  // namespace coterie
