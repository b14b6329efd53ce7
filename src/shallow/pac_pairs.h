#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/parallel.h"
#include "coterie/shallow/pac.h"
#include "coterie/shallow/sweep_plan.h"

namespace coterie {

/// Scores under plain Euclidean distance, s_k = sum_j w_jk |x - x_j|, which has no linear form:
/// distances are made tile by tile and used at once. O(N (D + K)) for each row scored.
class PacPairScores {
 public:
  /// `rows` [N, D] and `lent` [N, K] must outlive this; `lent` may change between calls.
  PacPairScores(ConstFeatures rows, const Matrix<float>& lent);

  /// Scores [B, K] of `queries` [B, D] against all rows.
  void operator()(ConstFeatures queries, MatrixView<double> scores) const;

 private:
  ConstFeatures rows_;
  const Matrix<float>& lent_;
  std::vector<float> squares_;  // |x_j|^2
};

/// Algorithm 1 with plain Euclidean distance, on the threads of a Team: PacLinearSweeper's twin.
class PacPairSweeper {
 public:
  /// `rows` [N, D] relative to their mean; `p` [N, K] the probabilities, which are updated.
  PacPairSweeper(const Matrix<float>& rows, const PacParams& params, std::int64_t block_rows,
                 Matrix<float>& p);

  void prepare(const SweepPlan&, int, Team&) {}
  double sweep(SweepPlan& plan, double settled, int rank, Team& team);
  /// Eq. 1 with Euclidean distances; takes as long as a sweep.
  double objective();
  /// What each row lends now, [N, K].
  const Matrix<float>& lent() const { return lent_; }

 private:
  ConstFeatures rows_;
  PacParams params_;
  std::int64_t block_;
  Matrix<float>& p_;
  Matrix<float> lent_;
  PacPairScores scores_;
  Matrix<float> x_;              // the block's rows, [B, D]
  Matrix<double> fresh_;         // the block's new probabilities, [B, K]
  std::vector<double> changes_;  // of the threads, summed in their order
};

}  // namespace coterie
