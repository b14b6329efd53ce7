#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/line_fft.h"

namespace coterie {

/// Sums over all pairs of points y_i in the plane, weighted by the Cauchy kernel:
///
///     total = sum_(i != j) 1 / (1 + |y_i - y_j|^2)
///     force_i = sum_j (y_i - y_j) / (1 + |y_i - y_j|^2)^2
///
/// in O(N + A log A) for points spread over a square of area A, after Linderman et al., Fast
/// interpolation-based t-SNE (2019): the points' charges go to a grid, are convolved there with the
/// kernel by Fourier transforms, and what comes out is read at the points. Ours differs in two
/// ways. The grid's functions are B-splines of degree 5, whose interpolation of the kernel (its
/// spectrum divided by the splines' at the nodes) is smooth; so one convolution gives the
/// potential, and the forces are its gradient. And the grid's spacing stays the same from call to
/// call, so that the kernel's spectrum is computed only where the grid grows. Where points are so
/// few that all pairs cost less than the grid, the sums are taken as they stand.
///
/// Errors: the total to 1e-4 of itself, the forces to 1e-2 (root of their mean square) while the
/// points lie within 800 units. Beyond that the grid gets coarser, as it has 4096 nodes a side at
/// most. The result is the same whatever the threads.
class CauchyField {
 public:
  CauchyField();
  /// `points` [N, 2], finite; writes `forces` [N, 2] and returns the total.
  double compute(MatrixView<const float> points, Matrix<float>& forces);

 private:
  struct Place;  // of a point on the grid
  Place place_of(const float* point) const;
  double from_pairs(MatrixView<const float> points, Matrix<float>& forces) const;
  double from_grid(MatrixView<const float> points, Matrix<float>& forces);
  void lay_grid(MatrixView<const float> points);
  void make_room();
  void build_kernel();
  void sort_into_bands(MatrixView<const float> points);
  void spread(MatrixView<const float> points);
  void convolve();
  double inner_product() const;

  double spacing_ = 0;
  double origin_[2] = {};       // where node (0, 0) lies
  std::int64_t nodes_[2] = {};  // across and down
  int size_ = 0;                // of the transforms, a side
  std::int64_t bands_ = 0;
  LineFft fft_;
  std::vector<LineFft::Lines> lines_;        // one for each thread
  Matrix<float> kernel_;                     // spectrum, in the order in which it is used
  double kernel_spacing_ = 0;                // for which it was built
  Matrix<float> charge_, potential_;         // on the grid: a row of nodes after the other
  Matrix<float> spectrum_re_, spectrum_im_;  // of the columns: frequencies by nodes across
  std::vector<std::int64_t> order_;          // points by the band of rows that they lie in
  std::vector<std::int64_t> band_begins_;
};

}  // namespace coterie
