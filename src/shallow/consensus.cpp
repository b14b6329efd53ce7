#include "coterie/shallow/consensus.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "coterie/core/parallel.h"
#include "coterie/metrics/contingency.h"
#include "coterie/metrics/scores.h"
#include "coterie/shallow/consensus_tuples.h"
#include "coterie/shallow/kmeans.h"

namespace coterie {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Map = Eigen::Map<RowMajor>;

/// A clustering as the N x K_i matrix Y_i, kept as labels or as a view of soft values.
struct Candidate {
  const std::int32_t* labels = nullptr;
  ConstFeatures soft;
  std::int64_t clusters = 0;
  Eigen::VectorXd scale;  // of each column
  double square = 0;      // |Y_i|^2
  RowMajor rotation;      // [K_i, W]
};

/// The sum of `part(begin, end)` over fixed shares of the rows, added in order: the same whatever
/// the number of threads.
template <class Part>
RowMajor sum_over_rows(std::int64_t rows, const Part& part) {
  constexpr int kShares = 32;
  std::vector<RowMajor> parts(kShares);
  parallel_for(kShares, rows < 4096 ? kShares : 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s) {
      const Share share = share_of(rows, static_cast<int>(s), kShares);
      parts[s] = part(share.begin, share.end);
    }
  });
  for (int s = 1; s < kShares; ++s) parts[0] += parts[s];
  return parts[0];
}

/// The orthogonal matrix (of orthonormal rows) nearest to `matrix`, and the sum of its singular
/// values.
RowMajor polar_factor(const RowMajor& matrix, double& nuclear_norm) {
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(matrix, Eigen::ComputeThinU | Eigen::ComputeThinV);
  nuclear_norm = svd.singularValues().sum();
  return svd.matrixU() * svd.matrixV().transpose();
}

class RotationSolver {
 public:
  RotationSolver(std::vector<Candidate> candidates, std::vector<double> weights)
      : candidates_(std::move(candidates)),
        weights_(std::move(weights)),
        rows_(static_cast<std::int64_t>(weights_.size())),
        alpha_(candidates_.size(), 1.0 / static_cast<double>(candidates_.size())) {
    for (const Candidate& candidate : candidates_) width_ = std::max(width_, candidate.clusters);
    h_ = Matrix<double>(rows_, width_);
    for (Candidate& candidate : candidates_)
      candidate.rotation = RowMajor::Identity(candidate.clusters, width_);
  }

  void scale_columns(bool unit_columns) {
    for (Candidate& candidate : candidates_) {
      candidate.scale = Eigen::VectorXd::Ones(candidate.clusters);
      const RowMajor squares = sum_over_rows(rows_, [&](std::int64_t begin, std::int64_t end) {
        RowMajor sums = RowMajor::Zero(1, candidate.clusters);
        for (std::int64_t i = begin; i < end; ++i) {
          if (candidate.labels) sums(candidate.labels[i]) += weights_[i];
          for (std::int64_t k = 0; k < candidate.soft.cols; ++k)
            sums(k) += weights_[i] * candidate.soft(i, k) * candidate.soft(i, k);
        }
        return sums;
      });
      candidate.square = squares.sum();
      if (!unit_columns) continue;
      candidate.square = 0;
      for (std::int64_t k = 0; k < candidate.clusters; ++k) {
        if (squares(k) <= 0) continue;
        candidate.scale[k] = 1 / std::sqrt(squares(k));
        candidate.square += 1;
      }
    }
  }

  /// Each R_i from the first candidate in the place of H.
  void align_with_first() {
    const std::vector<double> alpha = std::exchange(alpha_, std::vector<double>(alpha_.size()));
    alpha_[0] = 1;
    update_embedding();
    update_rotations();
    alpha_ = alpha;
  }

  /// Eqs. 6 and 8.
  void turn() {
    update_embedding();
    update_rotations();
    // Candidates that agree fully would have infinite weight.
    for (std::size_t i = 0; i < alpha_.size(); ++i)
      distances_[i] = std::max(distances_[i], 1e-12 * (candidates_[i].square + rank_));
  }
  /// Eq. 10.
  void weigh() {
    double total = 0;
    for (const double distance : distances_) total += 1 / distance;
    for (std::size_t i = 0; i < alpha_.size(); ++i) alpha_[i] = 1 / (distances_[i] * total);
  }
  double loss() const {
    double sum = 0;
    for (std::size_t i = 0; i < alpha_.size(); ++i) sum += alpha_[i] * alpha_[i] * distances_[i];
    return sum;
  }

  const Matrix<double>& embedding() const { return h_; }
  /// Rows of H as `clusters` groups are sought in them: in the strongest directions of A alone, as
  /// the others are splits of clusters that few candidates know. As good as H where there are no
  /// more.
  Matrix<float> strongest(std::int64_t clusters) const {
    const std::int64_t kept = std::min(clusters, width_);
    const RowMajor turn = leading_.rightCols(kept);
    Matrix<float> rows(rows_, kept);
    for (std::int64_t i = 0; i < rows_; ++i) {
      const Eigen::RowVectorXd row = Eigen::Map<const Eigen::RowVectorXd>(h_.row(i), width_) * turn;
      for (std::int64_t k = 0; k < kept; ++k) rows(i, k) = static_cast<float>(row[k]);
    }
    return rows;
  }
  const std::vector<Candidate>& candidates() const { return candidates_; }
  const std::vector<double>& alpha() const { return alpha_; }

 private:
  template <class Work>
  void for_blocks(const Work& work) {
    constexpr std::int64_t kBlock = 512;
    parallel_for((rows_ + kBlock - 1) / kBlock, 4, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        const std::int64_t first = b * kBlock;
        work(first, std::min(kBlock, rows_ - first));
      }
    });
  }

  /// Eq. 6: H = A (A'A)^(-1/2), A built in the memory of H.
  void update_embedding() {
    std::vector<RowMajor> tables;
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      tables.push_back(alpha_[i] * alpha_[i] * candidates_[i].scale.asDiagonal() *
                       candidates_[i].rotation);
    for_blocks([&](std::int64_t first, std::int64_t count) {
      Map a(h_.row(first), count, width_);
      a.setZero();
      for (std::size_t i = 0; i < candidates_.size(); ++i) {
        const Candidate& candidate = candidates_[i];
        if (candidate.labels) {
          for (std::int64_t b = 0; b < count; ++b)
            a.row(b) += tables[i].row(candidate.labels[first + b]);
        } else {
          const Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>> y(
              candidate.soft.row(first), count, candidate.clusters);
          a.noalias() += y.cast<double>() * tables[i];
        }
      }
    });
    const bool precise = orthonormalise(leading_);
    // A second time where the squared condition number has cost digits.
    Eigen::MatrixXd unused;
    if (!precise) orthonormalise(unused);
  }

  /// Returns whether the columns were well enough conditioned for the result to be orthonormal.
  bool orthonormalise(Eigen::MatrixXd& directions) {
    const RowMajor gram =
        sum_over_rows(rows_, [&](std::int64_t begin, std::int64_t end) -> RowMajor {
          const Map a(h_.row(begin), end - begin, width_);
          const Eigen::Map<const Eigen::VectorXd> w(weights_.data() + begin, end - begin);
          return a.transpose() * (w.asDiagonal() * a);
        });
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(gram);
    Eigen::VectorXd factor = eigen.eigenvalues();
    const double largest = factor.maxCoeff();
    rank_ = 0;
    bool precise = true;
    for (double& value : factor) {
      const bool filled = value > 1e-12 * largest;
      rank_ += filled;
      precise = precise && (!filled || value > 1e-6 * largest);
      value = filled ? 1 / std::sqrt(value) : 0;
    }
    directions = eigen.eigenvectors();
    const RowMajor root =
        eigen.eigenvectors() * factor.asDiagonal() * eigen.eigenvectors().transpose();
    for_blocks([&](std::int64_t first, std::int64_t count) {
      Map a(h_.row(first), count, width_);
      a = (a * root).eval();
    });
    return precise;
  }

  /// Eq. 8, and |H - Y_i R_i|^2 = |H|^2 + |Y_i|^2 - 2 tr(R_i' Y_i'H), whose trace is the sum of the
  /// singular values.
  void update_rotations() {
    distances_.resize(candidates_.size());
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      Candidate& candidate = candidates_[i];
      RowMajor product = sum_over_rows(rows_, [&](std::int64_t begin, std::int64_t end) {
        RowMajor sums = RowMajor::Zero(candidate.clusters, width_);
        if (candidate.labels) {
          for (std::int64_t r = begin; r < end; ++r)
            sums.row(candidate.labels[r]) += weights_[r] * Map(h_.row(r), 1, width_);
        } else {
          const Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>> y(
              candidate.soft.row(begin), end - begin, candidate.clusters);
          sums.noalias() = y.cast<double>().transpose() * Map(h_.row(begin), end - begin, width_);
        }
        return sums;
      });
      product = candidate.scale.asDiagonal() * product;
      double nuclear_norm = 0;
      candidate.rotation = polar_factor(product, nuclear_norm);
      distances_[i] = rank_ + candidate.square - 2 * nuclear_norm;
    }
  }

  std::vector<Candidate> candidates_;
  std::vector<double> weights_;  // rows that an object stands for
  std::int64_t rows_;
  std::int64_t width_ = 0;
  Matrix<double> h_;
  double rank_ = 0;          // |H|^2
  Eigen::MatrixXd leading_;  // eigenvectors of A'A, the weakest first
  std::vector<double> alpha_;
  std::vector<double> distances_;  // |H - Y_i R_i|^2
};

/// Passes until the loss stands still, and all that is asked for but the labels and H.
RotationConsensus solve(RotationSolver& solver, const RotationParams& params,
                        const ShallowContext& context) {
  RotationConsensus result;
  solver.scale_columns(params.unit_columns);
  if (params.aligned_start) solver.align_with_first();
  if (context.progress) context.progress->begin("aligning label sets", params.max_passes);
  bool weighed = !params.unit_columns;  // or there is a time for it yet to come
  while (!result.converged && result.passes() < params.max_passes) {
    context.check_cancelled();
    solver.turn();
    if (!params.unit_columns) solver.weigh();
    const double loss = solver.loss();
    const bool still =
        !result.losses.empty() && std::abs(result.losses.back() - loss) <= params.tolerance * loss;
    result.losses.push_back(loss);
    result.converged = still && weighed;
    if (!weighed && (still || result.passes() >= params.max_passes / 2)) {
      solver.weigh();
      result.losses.back() = solver.loss();
      weighed = true;
    }
    if (context.progress)
      context.progress->update(result.passes(), fmt::format("loss {:.6g}", loss));
  }
  if (context.progress) context.progress->end();
  result.alpha = solver.alpha();
  for (const Candidate& candidate : solver.candidates()) {
    Matrix<double>& rotation =
        result.rotations.emplace_back(candidate.rotation.rows(), candidate.rotation.cols());
    std::copy_n(candidate.rotation.data(), rotation.size(), rotation.data());
  }
  return result;
}

}  // namespace

const Fields<RotationParams>& RotationParams::fields() {
  static const Fields<RotationParams> fields =
      Fields<RotationParams>()
          .number("max_passes", &RotationParams::max_passes, between(1, 1e6),
                  "updates of the embedding, the rotations and the weights, at most")
          .number("tolerance", &RotationParams::tolerance, between(0, 1),
                  "stop when the loss changes by less, relative")
          .flag(
              "unit_columns", &RotationParams::unit_columns,
              "scale each column of a candidate to length 1, so that its clusters count alike; the "
              "candidates are then weighed once, not in each pass")
          .flag("aligned_start", &RotationParams::aligned_start,
                "start with candidates rotated onto the first, not as they are")
          .number("restarts", &RotationParams::restarts, between(1, 10000),
                  "k-means++ starts on the embedding");
  return fields;
}

RotationConsensus rotation_consensus(LabelSets sets, std::int64_t clusters,
                                     const RotationParams& params, const ShallowContext& context) {
  params.validate();
  const LabelTuples tuples(sets, clusters);
  std::vector<Candidate> candidates;
  for (std::int64_t m = 0; m < tuples.sets(); ++m)
    candidates.push_back({.labels = tuples.labels.row(m), .clusters = tuples.clusters[m]});
  RotationSolver solver(std::move(candidates), tuples.weights);
  RotationConsensus result = solve(solver, params, context);
  const Matrix<double>& h = solver.embedding();
  result.embedding = Matrix<double>(static_cast<std::int64_t>(sets[0].size()), h.cols());
  for (std::int64_t i = 0; i < result.embedding.rows(); ++i)
    std::copy_n(h.row(tuples.tuple_of_row[i]), h.cols(), result.embedding.row(i));
  const Matrix<float> of_tuple = solver.strongest(clusters);
  Matrix<float> rows(result.embedding.rows(), of_tuple.cols());
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    std::copy_n(of_tuple.row(tuples.tuple_of_row[i]), rows.cols(), rows.row(i));
  result.labels = KMeans({.restarts = params.restarts}).fit(rows, clusters, context).labels;
  return result;
}

RotationConsensus rotation_consensus(std::span<const Matrix<float>> soft, std::int64_t clusters,
                                     const RotationParams& params, const ShallowContext& context) {
  params.validate();
  if (soft.empty()) throw UserError("a consensus needs at least one clustering");
  std::vector<Candidate> candidates;
  for (const Matrix<float>& matrix : soft) {
    if (matrix.rows() != soft[0].rows() || matrix.empty())
      throw UserError("the clusterings have {} and {} rows; give clusterings of the same rows",
                      soft[0].rows(), matrix.rows());
    if (!std::all_of(matrix.data(), matrix.data() + matrix.size(),
                     [](float value) { return std::isfinite(value) && value >= 0; }))
      throw UserError("a soft clustering holds values that are negative or not finite");
    candidates.push_back({.soft = matrix.view(), .clusters = matrix.cols()});
  }
  RotationSolver solver(std::move(candidates),
                        std::vector<double>(static_cast<std::size_t>(soft[0].rows()), 1.0));
  RotationConsensus result = solve(solver, params, context);
  result.embedding = solver.embedding();
  const Matrix<float> rows = solver.strongest(clusters);
  result.labels = KMeans({.restarts = params.restarts}).fit(rows, clusters, context).labels;
  return result;
}

LabelTuples::LabelTuples(LabelSets sets, std::int64_t wanted) {
  if (sets.empty()) throw UserError("a consensus needs at least one label set");
  tuple_of_row.assign(sets[0].size(), 0);
  for (const auto& set : sets) {
    check_same_length(sets[0], set);
    const CompactLabels compact = compact_labels(set);
    clusters.push_back(compact.count());
    offsets.push_back(all_clusters);
    all_clusters += compact.count();
    // Tuples so far are split by this set.
    std::unordered_map<std::uint64_t, std::int32_t> number;
    for (std::size_t i = 0; i < set.size(); ++i) {
      const std::uint64_t key = static_cast<std::uint64_t>(tuple_of_row[i]) << 32 |
                                static_cast<std::uint32_t>(compact.labels[i]);
      tuple_of_row[i] =
          number.try_emplace(key, static_cast<std::int32_t>(number.size())).first->second;
    }
    weights.resize(number.size());
  }
  labels = Matrix<std::int32_t>(static_cast<std::int64_t>(sets.size()),
                                static_cast<std::int64_t>(weights.size()));
  for (std::size_t m = 0; m < sets.size(); ++m) {
    const CompactLabels compact = compact_labels(sets[m]);
    for (std::size_t i = 0; i < compact.labels.size(); ++i)
      labels(static_cast<std::int64_t>(m), tuple_of_row[i]) = compact.labels[i];
  }
  for (const std::int32_t tuple : tuple_of_row) weights[tuple] += 1;
  if (tuples() < 2)
    throw UserError(
        "every label set has all rows in one cluster: there is no consensus to be made of them");
  if (wanted < 2 || wanted > tuples())
    throw UserError(
        "clusters = {} is out of range: allowed is 2 to {}, as many groups of rows as the label "
        "sets tell apart",
        wanted, tuples());
}

std::vector<std::int32_t> LabelTuples::to_rows(const std::vector<std::int32_t>& of_tuple) const {
  std::vector<std::int32_t> of_row(tuple_of_row.size());
  for (std::size_t i = 0; i < of_row.size(); ++i) of_row[i] = of_tuple[tuple_of_row[i]];
  return of_row;
}

std::vector<std::int32_t> consensus_labels(ConsensusMethod method, LabelSets sets,
                                           std::int64_t clusters, const ShallowContext& context) {
  switch (method) {
    case ConsensusMethod::coassociation:
      return coassociation_consensus(sets, clusters, context);
    case ConsensusMethod::cspa:
      return cspa_consensus(sets, clusters, context);
    case ConsensusMethod::hgpa:
      return hgpa_consensus(sets, clusters, context);
    case ConsensusMethod::mcla:
      return mcla_consensus(sets, clusters, context);
    case ConsensusMethod::rotation:
      break;
  }
  return rotation_consensus(sets, clusters, {}, context).labels;
}

double mean_nmi(std::span<const std::int32_t> labels, LabelSets sets) {
  if (sets.empty()) throw UserError("a consensus needs at least one label set");
  double sum = 0;
  for (const auto& set : sets)
    sum += normalized_mutual_information(labels, set, NmiMean::geometric);
  return sum / static_cast<double>(sets.size());
}

std::size_t best_candidate(LabelSets candidates, LabelSets sets) {
  if (candidates.empty()) throw UserError("there are no clusterings to choose from");
  std::size_t best = 0;
  double highest = -1;
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    const double value = mean_nmi(candidates[c], sets);
    if (value > highest) {
      highest = value;
      best = c;
    }
  }
  return best;
}

}  // namespace coterie
