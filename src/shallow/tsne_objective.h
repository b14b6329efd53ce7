#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/cauchy_field.h"
#include "coterie/shallow/tsne_affinities.h"

namespace coterie {

/// What t-SNE minimises: the divergence of the layout's affinities q_ij = w_ij / sum_(k != l) w_kl,
/// w_ij = 1 / (1 + |y_i - y_j|^2), from the rows' p_ij (van der Maaten and Hinton 2008, eq. 4
/// and 5).
class TsneObjective {
 public:
  explicit TsneObjective(Affinities affinities);

  std::int64_t rows() const { return affinities_.rows(); }

  /// Writes the gradient [N, 2] of the divergence by the positions [N, 2],
  ///
  ///     4 sum_j (e p_ij - q_ij) w_ij (y_i - y_j),
  ///
  /// e being the `exaggeration` of the attraction. Attraction is exact in float, repulsion to about
  /// a hundredth (see CauchyField). O(N count + A log A), A the area of the layout.
  void gradient(MatrixView<const float> positions, double exaggeration, Matrix<float>& gradient);

  /// sum_ij p_ij log(p_ij / q_ij) of the positions [N, 2] that `gradient` was last called with.
  double divergence(MatrixView<const float> positions) const;

 private:
  Affinities affinities_;
  double negative_entropy_;
  double total_ = 0;  // sum_(k != l) w_kl
  CauchyField field_;
  Matrix<float> repulsion_;
};

}  // namespace coterie
