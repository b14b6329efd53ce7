#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/centre_products.h"
#include "coterie/shallow/rows.h"

namespace coterie {

/// Lloyd's iterations over prepared rows, with Hamerly's bounds (Hamerly: Making k-means even
/// faster, 2010): a row keeps an upper bound of the distance to its centre and a lower bound of
/// that to any other, and is measured again only when they meet. Rows that are measured go through
/// blocked matrix products. The labels are those of plain Lloyd, up to ties within rounding.
///
///     Lloyd lloyd(rows, centres);
///     while (lloyd.assign() > 0) lloyd.update(spherical);
class Lloyd {
 public:
  /// `centres` [K, D] in prepared coordinates.
  Lloyd(const PreparedRows& rows, Matrix<double> centres);

  /// Assigns every row to its nearest centre. Returns how many labels changed.
  std::int64_t assign();
  /// Gives each empty cluster the row farthest from its centre among clusters of two or more.
  /// Returns how many were empty.
  std::int64_t repair_empty();
  /// Moves the centres to the means of their rows (onto the unit sphere where `spherical`); returns
  /// the squared shift of all together.
  double update(bool spherical);

  const Matrix<double>& centres() const { return centres_; }
  /// Sum of squared distances to the nearest centres; measures every row.
  double inertia();
  /// Variance of a column, on average; known after the first `assign`.
  double column_variance() const;
  /// Rows measured so far: without the bounds, N in every `assign`.
  std::int64_t measured() const { return measured_; }

 private:
  struct Part;
  void measure(const CentreProducts& products, const std::vector<std::uint32_t>& places,
               std::int64_t offset, Part& part);
  std::int64_t pass(bool everything);
  std::vector<float> half_gaps() const;

  const PreparedRows& rows_;
  std::int64_t clusters_;
  int threads_;
  Matrix<double> centres_;
  std::vector<std::int32_t> labels_;
  std::vector<float> row_squares_;    // |x|^2
  std::vector<float> upper_, lower_;  // of distances, not squared
  std::vector<double> drifts_;        // how far each centre moved since the bounds were set
  Matrix<double> sums_;
  std::vector<std::int64_t> sizes_;
  std::int64_t measured_ = 0;
  double inertia_ = 0;
  double squares_ = 0;  // of all rows, which have mean 0
};

}  // namespace coterie
