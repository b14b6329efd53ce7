#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/labelled_rows.h"

namespace coterie {

enum class NmfStart { plus_plus, random };

struct NmfParams {
  double lambda = 0;                     ///< pull of neighbours towards each other; 0: no graph
  int neighbours = 5;                    ///< of a row in the graph, where lambda is above 0
  bool shift = false;                    ///< take each column's minimum off first
  NmfStart start = NmfStart::plus_plus;  ///< first parts of a restart
  int restarts = 3;                      ///< the lowest objective is kept
  int max_iterations = 300;              ///< in a restart
  double tolerance = 1e-5;               ///< relative gain of the objective at which to stop

  static const Fields<NmfParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// What happened in one restart.
struct NmfRestart {
  double objective = 0;            ///< |X - W H|^2 + lambda tr(W^T L W) at the end
  int iterations = 0;              ///< passes over the rows
  bool converged = false;          ///< the gain fell below the tolerance
  std::vector<double> objectives;  ///< after each iteration's update of W
};

/// Non-negative matrix factorisation: rows [N, D] as sums of K parts, X ~ W H with W, H >= 0 and
/// the parts, which are H's rows, of unit length. A row belongs to the part that it takes most of
/// (Xu, Liu, Gong: Document clustering based on non-negative matrix factorization, 2003); the
/// probabilities are W's rows divided by their sums. One column of W, or row of H, at a time has
/// its best value (HALS; Cichocki, Phan: Fast local algorithms for large scale nonnegative matrix
/// and tensor factorizations, 2009):
///
///     w_k <- [X h_k - sum_{j != k} w_j h_j.h_k]+,   h_k <- [X^T w_k - sum_{j != k} h_j w_j.w_k]+
///
/// with h_k scaled to unit length, which is its best value under that condition. With lambda > 0
/// rows that are neighbours are drawn together (Cai, He, Han, Huang: Graph regularized nonnegative
/// matrix factorization for data representation, 2011, eq. 8), L the Laplacian of the graph; W's
/// rows are then smooth codes, and k-means over them gives the labels, as there.
///
/// An iteration takes O(N K D) time in float products; memory O(N K + K D) beside the rows. The
/// graph takes one exact search for neighbours, O(N^2 D), and its model keeps the rows (see
/// LabelledRows), as new rows are not in the graph.
///
///     Nmf nmf;
///     Assignment found = nmf.fit(pixels, 10, {.seed = 0});
///     Matrix<float> parts = nmf.parts();
class Nmf {
 public:
  explicit Nmf(NmfParams params = {});

  /// Clusters the rows [N, D]. The result equals `predict(features)`. Throws UserError on bad input
  /// (see check_clustering_input) and on negative values, Interrupted when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});

  /// Rows [M, D] against the fitted parts: non-negative least squares, by a fixed number of passes
  /// over the coordinates. Values below zero are taken as they are. With a graph: the label of the
  /// nearest row.
  Assignment predict(ConstFeatures features) const;

  std::int64_t clusters() const { return parts_.rows(); }
  const Matrix<float>& parts() const { return parts_; }  ///< H, [K, D]
  const std::vector<NmfRestart>& restarts() const { return restarts_; }
  int chosen_restart() const { return chosen_; }

  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  NmfParams params_;
  std::vector<float> shift_;  // [D], what is taken off each row first; empty: nothing
  Matrix<float> parts_;
  LabelledRows labelled_;  // where there is a graph
  std::vector<NmfRestart> restarts_;
  int chosen_ = 0;
};

}  // namespace coterie
