#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/neighbour_graph.h"

namespace coterie {

/// The rows of RCC's data term and their representatives, in panels of 16 columns: a row of a panel
/// is one cache line, and panels are solved independently, each on one core.
class Representatives {
 public:
  static constexpr std::int64_t kPanel = 16;
  using Panel = Matrix<float>;  // [N, 16], zeros beyond the last column

  /// The representatives start as the rows.
  explicit Representatives(ConstFeatures rows);

  std::int64_t rows() const { return rows_; }
  /// |u_p - u_q|^2 of each edge.
  std::vector<double> squared_lengths(std::span<const Edge> edges) const;
  /// 1/2 sum_p |x_p - u_p|^2.
  double data_term() const;
  /// |X|_2, the largest singular value of the rows.
  double spectral_norm(const ShallowContext& context) const;

  /// Solves (I + lambda (D - W)) U = X, W the graph's weights and D their sums, from the present U
  /// on; every column to a residual of 1e-3 of X's length. Returns the most steps a panel took.
  int solve(const NeighbourGraph& graph, double lambda, const ShallowContext& context);

  /// [N, D].
  Matrix<float> values() const;

 private:
  std::int64_t rows_, columns_;
  std::vector<Panel> x_, u_;
};

/// |D - W|_2, the largest eigenvalue of the graph's Laplacian, to about 1e-3 of itself.
double laplacian_norm(const NeighbourGraph& graph, const ShallowContext& context);

}  // namespace coterie
