#include "coterie/shallow/pac_linear.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace coterie {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Map = Eigen::Map<RowMajor>;
using ConstMap = Eigen::Map<const RowMajor>;
using Strided = Eigen::Map<RowMajor, 0, Eigen::OuterStride<>>;
using ConstStrided = Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>;

}  // namespace

void probabilities_from_scores(MatrixView<double> scores, double alpha) {
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    Eigen::Map<Eigen::ArrayXd> row(scores.row(i), scores.cols);
    row *= 1.0 / row.minCoeff();
  }
  Eigen::Map<Eigen::ArrayXd> all(scores.data, scores.size());
  all = (all.log() * -alpha).exp();
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    Eigen::Map<Eigen::ArrayXd> row(scores.row(i), scores.cols);
    row *= 1.0 / row.sum();
  }
}

void pac_linear_scores(MatrixView<const double> x, const double* squares, const PacSums& sums,
                       MatrixView<double> scores) {
  const std::int64_t clusters = scores.cols;
  Map(scores.data, scores.rows, clusters).noalias() =
      ConstMap(x.data, x.rows, x.cols) * ConstMap(sums.vector.data(), clusters, x.cols).transpose();
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    double* row = scores.row(i);
    for (std::int64_t k = 0; k < clusters; ++k) {
      const double size = sums.weight[k] * squares[i] + sums.square[k];
      // Below this, what is left of the difference is rounding: rows that coincide have score 0,
      // and the sums of a cluster that ran empty may end a little below it.
      const double floor =
          8 * std::numeric_limits<double>::epsilon() * std::max(size, 0.0) + 1e-300;
      row[k] = std::max(size - 2.0 * row[k], floor);
    }
  }
}

template <class Real>
PacLinearSweeper<Real>::PacLinearSweeper(const PreparedRows& rows, const PacParams& params,
                                         std::int64_t block_rows, Matrix<Real>& p,
                                         const SweepPlan& plan)
    : rows_(rows),
      params_(params),
      clusters_(p.cols()),
      block_(std::min(block_rows, rows.rows())),
      sums_(p.cols(), rows.cols()),
      p_(p),
      read_ahead_(rows.source(), plan.piece_rows(), plan.window_rows()),
      x_(block_, rows.cols()),
      delta_(block_, p.cols()),
      squares_(static_cast<std::size_t>(block_)) {}

template <class Real>
void PacLinearSweeper<Real>::load_block(std::span<const std::uint32_t> visit, std::int64_t first,
                                        Share mine) {
  const auto total = static_cast<std::int64_t>(visit.size());
  for (std::int64_t b = mine.begin; b < mine.end; ++b) {
    if (first + b + block_ < total) {
      rows_.prefetch(visit[first + b + block_]);
      __builtin_prefetch(p_.row(visit[first + b + block_]));
    }
    rows_.load(visit[first + b], x_.row(b));
    squares_[b] = squared_length(x_.row(b), rows_.cols());
  }
}

/// Takes the block's changes into the sums, each rank its share of the columns.
template <class Real>
void PacLinearSweeper<Real>::add_block(std::int64_t count, int rank, Team& team) {
  const std::int64_t columns = rows_.cols();
  const Share width = share_of(columns, rank, team.threads());
  if (width.end > width.begin) {
    Strided(sums_.vector.data() + width.begin, clusters_, width.end - width.begin,
            Eigen::OuterStride<>(columns))
        .noalias() += ConstMap(delta_.data(), count, clusters_).transpose() *
                      ConstStrided(x_.data() + width.begin, count, width.end - width.begin,
                                   Eigen::OuterStride<>(columns));
  }
  if (rank == 0) {
    const ConstMap delta(delta_.data(), count, clusters_);
    const Eigen::Map<const Eigen::RowVectorXd> squares(squares_.data(), count);
    Eigen::Map<Eigen::RowVectorXd>(sums_.weight.data(), clusters_) += delta.colwise().sum();
    Eigen::Map<Eigen::RowVectorXd>(sums_.square.data(), clusters_) += squares * delta;
  }
}

template <class Real>
void PacLinearSweeper<Real>::prepare(const SweepPlan& plan, int rank, Team& team) {
  if (rank == 0) sums_ = PacSums(clusters_, rows_.cols());
  team.wait();
  const auto visit = plan.visit();
  if (rank == 0) read_ahead_.begin(visit);
  for (std::int64_t first = 0; first < rows_.rows(); first += block_) {
    if (rank == 0) read_ahead_.advance(visit, first);
    const std::int64_t count = std::min(block_, rows_.rows() - first);
    const Share mine = share_of(count, rank, team.threads());
    load_block(visit, first, mine);
    for (std::int64_t b = mine.begin; b < mine.end; ++b)
      for (std::int64_t k = 0; k < clusters_; ++k)
        delta_(b, k) = pac_weight(p_(visit[first + b], k), params_);
    team.wait();
    add_block(count, rank, team);
    team.wait();
  }
}

/// Takes over a row's new probabilities and returns their change (L1); `fresh` becomes the change
/// of what the row lends.
template <class Real>
double PacLinearSweeper<Real>::replace(Real* p, double* fresh) const {
  double change = 0;
  if (params_.weight == PacWeight::p) {
    for (std::int64_t k = 0; k < clusters_; ++k) {
      // As it is stored: the sums always are those of the stored probabilities.
      const double stored = static_cast<Real>(fresh[k]);
      fresh[k] = stored - p[k];
      p[k] = static_cast<Real>(stored);
      change += std::abs(fresh[k]);
    }
    return change;
  }
  for (std::int64_t k = 0; k < clusters_; ++k) {
    const double stored = static_cast<Real>(fresh[k]);
    change += std::abs(stored - p[k]);
    fresh[k] = pac_weight(stored, params_) - pac_weight(p[k], params_);
    p[k] = static_cast<Real>(stored);
  }
  return change;
}

template <class Real>
double PacLinearSweeper<Real>::sweep(SweepPlan& plan, double settled, int rank, Team& team) {
  if (rank == 0) changes_.resize(static_cast<std::size_t>(team.threads()));
  team.wait();
  const auto visit = plan.visit();
  const auto total = static_cast<std::int64_t>(visit.size());
  double change = 0;
  if (rank == 0) read_ahead_.begin(visit);
  for (std::int64_t first = 0; first < total; first += block_) {
    if (rank == 0) read_ahead_.advance(visit, first);
    const std::int64_t count = std::min(block_, total - first);
    const Share mine = share_of(count, rank, team.threads());
    load_block(visit, first, mine);
    const MatrixView<double> fresh{delta_.row(mine.begin), mine.end - mine.begin, clusters_};
    if (fresh.rows > 0) {
      pac_linear_scores({x_.row(mine.begin), fresh.rows, rows_.cols()},
                        squares_.data() + mine.begin, sums_, fresh);
      probabilities_from_scores(fresh, 1.0 / (params_.m - 1.0));
    }
    for (std::int64_t b = mine.begin; b < mine.end; ++b) {
      const double step = replace(p_.row(visit[first + b]), delta_.row(b));
      change += step;
      plan.keep(static_cast<std::size_t>(first + b), step >= settled);
    }
    team.wait();
    add_block(count, rank, team);
    team.wait();
  }
  changes_[static_cast<std::size_t>(rank)] = change;
  team.wait();
  return std::accumulate(changes_.begin(), changes_.end(), 0.0);
}

template <class Real>
double PacLinearSweeper<Real>::objective() {
  const PacSums* sums = &sums_;
  PacSums plain_sums(0, 0);
  if (params_.weight != PacWeight::p) {
    PacParams plain = params_;
    plain.weight = PacWeight::p;
    const SweepPlan plan(rows_.rows());
    PacLinearSweeper other(rows_, plain, block_, p_, plan);
    Team::run(1, [&](int rank, Team& team) { other.prepare(plan, rank, team); });
    plain_sums = std::move(other.sums_);
    sums = &plain_sums;
  }
  double total = 0;
  for (std::int64_t k = 0; k < clusters_; ++k) {
    const ConstMap s(sums->vector.row(k), 1, rows_.cols());
    total += 2.0 * (sums->weight[k] * sums->square[k] - s.squaredNorm());
  }
  return total;
}

template class PacLinearSweeper<float>;
template class PacLinearSweeper<double>;

}  // namespace coterie
