#include "coterie/shallow/pac_pairs.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "coterie/shallow/pac_linear.h"
#include "coterie/shallow/rows.h"

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMapF = Eigen::Map<const RowMajorF>;

constexpr std::int64_t kTile = 1024;  // rows whose distances are made at once

Matrix<float> weights_of(const Matrix<float>& p, const PacParams& params) {
  Matrix<float> lent(p.rows(), p.cols());
  for (std::int64_t i = 0; i < p.size(); ++i)
    lent.data()[i] = static_cast<float>(pac_weight(p.data()[i], params));
  return lent;
}

}  // namespace

PacPairScores::PacPairScores(ConstFeatures rows, const Matrix<float>& lent)
    : rows_(rows), lent_(lent), squares_(static_cast<std::size_t>(rows.rows)) {
  for (std::int64_t j = 0; j < rows.rows; ++j)
    squares_[j] = static_cast<float>(squared_length(rows.row(j), rows.cols));
}

void PacPairScores::operator()(ConstFeatures queries, MatrixView<double> scores) const {
  const std::int64_t count = queries.rows, columns = rows_.cols;
  Eigen::VectorXf own(count);
  for (std::int64_t q = 0; q < count; ++q)
    own[q] = static_cast<float>(squared_length(queries.row(q), columns));
  const ConstMapF x(queries.data, count, columns);
  RowMajorF distances, part;
  std::fill_n(scores.data, scores.size(), 0.0);
  for (std::int64_t first = 0; first < rows_.rows; first += kTile) {
    const std::int64_t width = std::min(kTile, rows_.rows - first);
    distances.noalias() = x * ConstMapF(rows_.row(first), width, columns).transpose();
    const Eigen::Map<const Eigen::RowVectorXf> others(squares_.data() + first, width);
    distances =
        (((-2.0f * distances).rowwise() + others).colwise() + own).cwiseMax(0.0f).cwiseSqrt();
    part.noalias() = distances * ConstMapF(lent_.row(first), width, scores.cols);
    for (std::int64_t i = 0; i < scores.size(); ++i) scores.data[i] += part.data()[i];
  }
  // Where all that lend to a cluster coincide with the row, the score is 0.
  for (std::int64_t i = 0; i < scores.size(); ++i) scores.data[i] = std::max(scores.data[i], 1e-30);
}

PacPairSweeper::PacPairSweeper(const Matrix<float>& rows, const PacParams& params,
                               std::int64_t block_rows, Matrix<float>& p)
    : rows_(rows),
      params_(params),
      block_(std::min(block_rows, rows.rows())),
      p_(p),
      lent_(weights_of(p, params)),
      scores_(rows_, lent_),
      x_(block_, rows.cols()),
      fresh_(block_, p.cols()) {}

double PacPairSweeper::sweep(SweepPlan& plan, double settled, int rank, Team& team) {
  if (rank == 0) changes_.resize(static_cast<std::size_t>(team.threads()));
  team.wait();
  const auto visit = plan.visit();
  const auto total = static_cast<std::int64_t>(visit.size());
  const std::int64_t clusters = p_.cols();
  double change = 0;
  for (std::int64_t first = 0; first < total; first += block_) {
    const Share mine = share_of(std::min(block_, total - first), rank, team.threads());
    for (std::int64_t b = mine.begin; b < mine.end; ++b)
      std::copy_n(rows_.row(visit[first + b]), rows_.cols, x_.row(b));
    const MatrixView<double> fresh{fresh_.row(mine.begin), mine.end - mine.begin, clusters};
    if (fresh.rows > 0) {
      scores_(x_.view().slice(mine.begin, mine.end), fresh);
      probabilities_from_scores(fresh, 1.0 / (params_.m - 1.0));
    }
    team.wait();  // All have read what the block's rows lent before.
    for (std::int64_t b = mine.begin; b < mine.end; ++b) {
      const std::int64_t row = visit[first + b];
      double step = 0;
      for (std::int64_t k = 0; k < clusters; ++k) {
        const auto stored = static_cast<float>(fresh_(b, k));
        step += std::abs(static_cast<double>(stored) - p_(row, k));
        p_(row, k) = stored;
        lent_(row, k) = static_cast<float>(pac_weight(stored, params_));
      }
      change += step;
      plan.keep(static_cast<std::size_t>(first + b), step >= settled);
    }
    team.wait();
  }
  changes_[static_cast<std::size_t>(rank)] = change;
  team.wait();
  return std::accumulate(changes_.begin(), changes_.end(), 0.0);
}

double PacPairSweeper::objective() {
  PacParams plain = params_;
  plain.weight = PacWeight::p;
  const Matrix<float> weights = weights_of(p_, plain);
  const PacPairScores scores(rows_, weights);
  const std::int64_t blocks = (rows_.rows + block_ - 1) / block_;
  std::vector<double> parts(static_cast<std::size_t>(blocks));
  parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    Matrix<double> s(block_, p_.cols());
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b * block_, last = std::min(first + block_, rows_.rows);
      scores(rows_.slice(first, last), s.view().slice(0, last - first));
      for (std::int64_t i = first; i < last; ++i)
        for (std::int64_t k = 0; k < p_.cols(); ++k)
          parts[b] += static_cast<double>(p_(i, k)) * s(i - first, k);
    }
  });
  double total = 0;
  for (const double part : parts) total += part;
  return total;
}

}  // namespace coterie
