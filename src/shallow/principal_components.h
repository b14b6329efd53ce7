#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/rows.h"

namespace coterie {

/// The directions in which rows vary most: principal component analysis without the covariance
/// matrix, for rows of any width. A random block of count + 10 directions is multiplied by the
/// covariance eight times, with orthonormalisation between, then Rayleigh-Ritz (Halko, Martinsson,
/// Tropp, Finding structure with randomness, 2011, algorithms 4.4 and 5.3): exact where the rows
/// have no more columns than that, and otherwise as near as later variances are small beside the
/// wanted ones. O(N D count) time, O(D count) memory.
class PrincipalComponents {
 public:
  /// Learns at most `count` components from rows [N, D]: min(count, D) of them. Throws UserError on
  /// bad rows (see check_features), Interrupted when cancelled.
  void fit(ConstFeatures rows, std::int64_t count, const ShallowContext& context = {});
  /// The rows' coordinates [N, E] along the components, from the mean. Throws UserError where D is
  /// another than in `fit`.
  Matrix<float> apply(ConstFeatures rows) const;

  /// Variance along each component, falling; zero beyond the rows' rank.
  const std::vector<double>& variances() const { return variances_; }
  /// Unit vectors [D, E]; the largest entry of each is positive.
  const Matrix<float>& directions() const { return directions_; }

 private:
  std::vector<double> mean_;
  std::vector<double> variances_;
  Matrix<float> directions_;
};

/// The share of the rows' variance that the direction with the most of it has, from a sample of
/// them, evenly spaced; 0 where they are all equal.
double largest_variance_share(const PreparedRows& rows);

}  // namespace coterie
