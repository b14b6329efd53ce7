#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/parallel.h"
#include "coterie/shallow/pac.h"
#include "coterie/shallow/read_ahead.h"
#include "coterie/shallow/sweep_plan.h"

namespace coterie {

/// The running sums over all rows, each weighted by what it lends to cluster k.
struct PacSums {
  PacSums(std::int64_t clusters, std::int64_t columns)
      : weight(clusters), square(clusters), vector(clusters, columns) {}
  std::vector<double> weight;  ///< n_k
  std::vector<double> square;  ///< Q_k
  Matrix<double> vector;       ///< S_k, [K, D]
};

/// What a row lends to a cluster where its probability is p.
inline double pac_weight(double p, const PacParams& params) {
  return params.weight == PacWeight::p ? p : std::pow(p, params.m);
}

/// Probabilities from scores, in place: p_k = s_k^-alpha / sum_r s_r^-alpha (eq. 8), alpha = 1 / (m
/// - 1), in logarithms. `scores` [rows, K] are positive.
void probabilities_from_scores(MatrixView<double> scores, double alpha);

/// Scores of prepared rows [B, D], whose |x|^2 are `squares`, against the sums:
/// n_k |x|^2 - 2 x.S_k + Q_k.
void pac_linear_scores(MatrixView<const double> x, const double* squares, const PacSums& sums,
                       MatrixView<double> scores);

/// Algorithm 1 in its linear form, on the threads of a Team. `Real` is how the probabilities are
/// stored; sums and scores are double.
template <class Real>
class PacLinearSweeper {
 public:
  /// `p` [N, K] holds the probabilities at the start, and is updated.
  PacLinearSweeper(const PreparedRows& rows, const PacParams& params, std::int64_t block_rows,
                   Matrix<Real>& p, const SweepPlan& plan);

  /// Sums from the probabilities as they stand. Called by every rank before the first sweep.
  void prepare(const SweepPlan& plan, int rank, Team& team);
  /// Visits the plan's rows once; rows that change by less than `settled` (L1) are not kept in it.
  /// Rank 0 gets the sum of the rows' changes. Called by every rank.
  double sweep(SweepPlan& plan, double settled, int rank, Team& team);

  const PacSums& sums() const { return sums_; }
  /// Eq. 1 with the probabilities themselves as weights: 2 sum_k (n_k Q_k - |S_k|^2).
  double objective();

 private:
  void load_block(std::span<const std::uint32_t> visit, std::int64_t first, Share mine);
  double replace(Real* p, double* fresh) const;
  void add_block(std::int64_t count, int rank, Team& team);

  const PreparedRows& rows_;
  PacParams params_;
  std::int64_t clusters_;
  std::int64_t block_;
  PacSums sums_;
  Matrix<Real>& p_;
  ReadAhead read_ahead_;
  Matrix<double> x_;             // the block's rows, [B, D]
  Matrix<double> delta_;         // change of what the block's rows lend, [B, K]
  std::vector<double> squares_;  // |x|^2 of the block's rows
  std::vector<double> changes_;  // of the threads, summed in their order
};

extern template class PacLinearSweeper<float>;
extern template class PacLinearSweeper<double>;

}  // namespace coterie
