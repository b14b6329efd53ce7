#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

/// Centres in the form in which products with rows give distances: |x - c|^2 = |x|^2 + (|c|^2 - 2
/// x.c), all in float. Right to a few 1e-7 of |x|^2 + |c|^2, so rows and centres are taken relative
/// to the mean of the data.
class CentreProducts {
 public:
  explicit CentreProducts(const Matrix<double>& centres);

  /// |c_k|^2 - 2 x_i.c_k for rows `x` [count, D], into `out` [count, K].
  void relative_distances(const float* x, std::int64_t count, float* out) const;
  std::int64_t clusters() const { return values_.rows(); }
  /// The largest |c_k|^2.
  float largest_square() const;

 private:
  Matrix<float> values_;        // [K, D]
  std::vector<float> squares_;  // |c_k|^2
};

}  // namespace coterie
