#include "coterie/shallow/nmf.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/neighbours.h"
#include "coterie/shallow/row_blocks.h"
#include "coterie/shallow/rows.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowMajorD = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMapF = Eigen::Map<const RowMajorF>;
using MapF = Eigen::Map<RowMajorF>;

/// Passes over the columns of W, or the rows of H, in an iteration: they are cheap beside the
/// products with X.
constexpr int kPasses = 3;
/// Passes for new rows, which begin at 0.
constexpr int kPredictPasses = 100;

/// The rows less the columns' minima, where there are any.
class ShiftedRows {
 public:
  ShiftedRows(ConstFeatures features, const std::vector<float>& shift)
      : features_(features), shift_(shift) {}
  std::int64_t rows() const { return features_.rows; }
  std::int64_t cols() const { return features_.cols; }

  /// Rows [first, first + count), in place or in `scratch`.
  ConstMapF block(std::int64_t first, std::int64_t count, RowMajorF& scratch) const {
    const ConstMapF plain(features_.row(first), count, cols());
    if (shift_.empty()) return plain;
    scratch = plain.rowwise() - Eigen::Map<const Eigen::RowVectorXf>(shift_.data(), cols());
    return ConstMapF(scratch.data(), count, cols());
  }

 private:
  ConstFeatures features_;
  const std::vector<float>& shift_;
};

/// The parts in the form that the products need.
struct PartTable {
  explicit PartTable(const Eigen::Ref<const RowMajorF>& h) : parts(h), gram(h * h.transpose()) {}
  RowMajorF parts;       // H, [K, D]
  Eigen::MatrixXf gram;  // H H^T
};

/// Coordinate descent on the rows of w >= 0 towards the least w (G + diag) w^T / 2 - w.target, all
/// rows of the block at once. `extra` is what a row adds to G's diagonal.
void descend(const Eigen::MatrixXf& target, const Eigen::MatrixXf& gram,
             const Eigen::VectorXf& extra, int passes, Eigen::MatrixXf& w) {
  Eigen::VectorXf rest;
  for (int pass = 0; pass < passes; ++pass)
    for (Eigen::Index k = 0; k < w.cols(); ++k) {
      rest = target.col(k);
      rest.noalias() -= w * gram.col(k);
      rest += gram(k, k) * w.col(k);
      w.col(k) = (rest.array() / (gram(k, k) + extra.array())).max(0.0f);
    }
}

/// Rows joined where one is among the other's nearest: symmetric, weights 0 and 1.
class Graph {
 public:
  explicit Graph(const Neighbours& nearest)
      : offsets_(static_cast<std::size_t>(nearest.rows.rows()) + 1) {
    const std::int64_t rows = nearest.rows.rows(), count = nearest.rows.cols();
    std::vector<std::pair<std::int64_t, std::int64_t>> edges;
    edges.reserve(static_cast<std::size_t>(2 * rows * count));
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < count; ++j) {
        edges.emplace_back(i, nearest.rows(i, j));
        edges.emplace_back(nearest.rows(i, j), i);
      }
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    for (const auto& [from, to] : edges) {
      ++offsets_[static_cast<std::size_t>(from) + 1];
      targets_.push_back(to);
    }
    for (std::size_t i = 1; i < offsets_.size(); ++i) offsets_[i] += offsets_[i - 1];
  }

  std::span<const std::int64_t> of(std::int64_t row) const {
    return std::span(targets_).subspan(offsets_[row], offsets_[row + 1] - offsets_[row]);
  }

 private:
  std::vector<std::size_t> offsets_;
  std::vector<std::int64_t> targets_;
};

/// W and H of one restart.
class Factors {
 public:
  Factors(const ShiftedRows& rows, std::int64_t clusters, const Graph* graph, double lambda,
          const ShallowContext& context)
      : rows_(rows),
        clusters_(clusters),
        graph_(graph),
        lambda_(static_cast<float>(lambda)),
        context_(context),
        threads_(threads_for(static_cast<double>(rows.rows()) * static_cast<double>(rows.cols()) *
                             static_cast<double>(clusters))),
        w_(rows.rows(), clusters),
        h_(clusters, rows.cols()),
        x_by_w_(clusters, rows.cols()),
        w_by_w_(clusters, clusters) {}

  RowMajorD& parts() { return h_; }
  const Matrix<float>& weights() const { return w_; }

  /// Directions of unit length; one without a direction becomes the mean one.
  void normalise_parts() {
    h_ = h_.cwiseMax(0.0);
    for (auto part : h_.rowwise()) {
      if (!(part.squaredNorm() > 0)) part.setOnes();
      part.normalize();
    }
  }

  /// Lowers the objective over W. Returns it.
  double update_weights() {
    const PartTable table(h_.cast<float>());
    std::vector<Sums> sums(threads_, Sums(clusters_, rows_.cols()));
    const bool pulled = graph_ && begun_;
    if (pulled) last_w_ = w_;
    for_row_blocks(rows_.rows(), rows_.cols(), threads_, context_,
                   [&](int rank, std::int64_t first, std::int64_t count) {
                     update_block(first, count, table, pulled, sums[rank]);
                   });
    begun_ = true;
    for (int rank = 1; rank < threads_; ++rank) {
      sums[0].x_by_w += sums[rank].x_by_w;
      sums[0].w_by_w += sums[rank].w_by_w;
      sums[0].objective += sums[rank].objective;
    }
    x_by_w_ = std::move(sums[0].x_by_w);
    w_by_w_ = std::move(sums[0].w_by_w);
    return std::max(sums[0].objective, 0.0) + (graph_ ? roughness() : 0.0);
  }

  /// Lowers the objective over H.
  void update_parts() {
    Eigen::RowVectorXd rest;
    for (int pass = 0; pass < kPasses; ++pass)
      for (std::int64_t k = 0; k < clusters_; ++k) {
        rest = x_by_w_.row(k) + w_by_w_(k, k) * h_.row(k);
        rest.noalias() -= w_by_w_.row(k) * h_;
        rest = rest.cwiseMax(0.0);
        // A part that no row uses stays as it is.
        if (const double length = rest.norm(); length > 0) h_.row(k) = rest / length;
      }
  }

 private:
  struct Sums {
    Sums(std::int64_t clusters, std::int64_t columns)
        : x_by_w(RowMajorD::Zero(clusters, columns)), w_by_w(RowMajorD::Zero(clusters, clusters)) {}
    RowMajorD x_by_w;  // W^T X
    RowMajorD w_by_w;  // W^T W
    double objective = 0;
    RowMajorF scratch, product;
    Eigen::MatrixXf x_by_h, target, w;
    Eigen::VectorXf extra;
  };

  void update_block(std::int64_t first, std::int64_t count, const PartTable& table, bool pulled,
                    Sums& sums) {
    const ConstMapF x = rows_.block(first, count, sums.scratch);
    MapF weights(w_.row(first), count, clusters_);
    sums.x_by_h.noalias() = x * table.parts.transpose();
    sums.target = sums.x_by_h;
    sums.extra.setZero(count);
    sums.w = weights;
    if (pulled) add_pull(first, count, sums);
    descend(sums.target, table.gram, sums.extra, kPasses, sums.w);
    weights = sums.w;

    // |x - w H|^2 = |x|^2 - 2 w.(x H^T) + w (H H^T) w^T
    sums.product.noalias() = sums.w.transpose() * sums.w;
    sums.w_by_w += sums.product.cast<double>();
    sums.objective += x.rowwise().squaredNorm().cast<double>().sum() -
                      2 * sums.w.cwiseProduct(sums.x_by_h).colwise().sum().cast<double>().sum() +
                      sums.product.cwiseProduct(table.gram).cast<double>().sum();
    sums.product.noalias() = sums.w.transpose() * x;
    sums.x_by_w += sums.product.cast<double>();
  }

  // The graph joins rows of different threads. As L <= 2 deg, lambda w^T L w lies below its tangent
  // at the last W plus 2 lambda deg |w - last|^2, which falls apart into rows: lowering that bound
  // lowers the objective, and no row needs another's fresh weights.
  void add_pull(std::int64_t first, std::int64_t count, Sums& sums) const {
    for (std::int64_t b = 0; b < count; ++b) {
      const auto joined = graph_->of(first + b);
      const auto degree = static_cast<float>(joined.size());
      sums.extra[b] = 2 * lambda_ * degree;
      for (std::int64_t k = 0; k < clusters_; ++k) {
        float pull = degree * last_w_(first + b, k);
        for (const std::int64_t other : joined) pull += last_w_(other, k);
        sums.target(b, k) += lambda_ * pull;
      }
    }
  }

  /// lambda tr(W^T L W): half of lambda |w_i - w_j|^2 over all ordered pairs that are joined.
  double roughness() const {
    std::vector<double> sums(threads_);
    for_row_blocks(rows_.rows(), rows_.cols(), threads_, context_,
                   [&](int rank, std::int64_t first, std::int64_t count) {
                     for (std::int64_t i = first; i < first + count; ++i)
                       for (const std::int64_t other : graph_->of(i))
                         for (std::int64_t k = 0; k < clusters_; ++k)
                           sums[rank] += std::pow(double{w_(i, k)} - w_(other, k), 2);
                   });
    double total = 0;
    for (const double sum : sums) total += sum;
    return 0.5 * lambda_ * total;
  }

  const ShiftedRows& rows_;
  std::int64_t clusters_;
  const Graph* graph_;
  float lambda_;
  const ShallowContext& context_;
  int threads_;
  bool begun_ = false;         // W holds weights, not zeros
  Matrix<float> w_, last_w_;   // [N, K]
  RowMajorD h_;                // [K, D]
  RowMajorD x_by_w_, w_by_w_;  // W^T X and W^T W
};

std::vector<float> column_minima(ConstFeatures features) {
  std::vector<float> minima(features.row(0), features.row(0) + features.cols);
  for (std::int64_t i = 1; i < features.rows; ++i)
    for (std::int64_t d = 0; d < features.cols; ++d)
      minima[d] = std::min(minima[d], features(i, d));
  return minima;
}

void refuse_negatives(ConstFeatures features) {
  for (std::int64_t i = 0; i < features.rows; ++i)
    for (std::int64_t d = 0; d < features.cols; ++d)
      if (features(i, d) < 0)
        throw UserError(
            "row {}, column {} holds {}: non-negative matrix factorisation takes values of at "
            "least 0; set shift=true to take each column's minimum off, or use another method",
            i, d, features(i, d));
}

/// k-means over W's rows; their largest entries where too few of them differ.
std::vector<std::int32_t> labels_of_codes(const Matrix<float>& w, std::uint64_t seed,
                                          const ShallowContext& context) {
  if (count_distinct_rows(w, w.cols()) < w.cols()) return argmax_rows(w);
  return KMeans().fit(w, w.cols(), {.seed = seed, .cancel = context.cancel}).labels;
}

}  // namespace

const Fields<NmfParams>& NmfParams::fields() {
  static const Fields<NmfParams> fields =
      Fields<NmfParams>()
          .number("lambda", &NmfParams::lambda, between(0, 1e6),
                  "pull of neighbouring rows towards each other; 0: no graph")
          .number("neighbours", &NmfParams::neighbours, between(1, 1000),
                  "nearest rows that a row is joined with, where lambda is above 0")
          .flag("shift", &NmfParams::shift, "take each column's minimum off first")
          .choice("start", &NmfParams::start,
                  {{"kmeans++", NmfStart::plus_plus}, {"random", NmfStart::random}},
                  "first parts: k-means++ and one iteration of k-means, or random values")
          .number("restarts", &NmfParams::restarts, between(1, 10000),
                  "starts; the lowest objective is kept")
          .number("max_iterations", &NmfParams::max_iterations, between(1, 1e6),
                  "iterations in a restart, at most")
          .number("tolerance", &NmfParams::tolerance, between(0, 1),
                  "stop when an iteration lowers the objective by a smaller part of it");
  return fields;
}

Nmf::Nmf(NmfParams params) : params_(params) { params_.validate(); }

Assignment Nmf::fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context) {
  check_clustering_input(features, clusters);
  shift_.clear();
  if (params_.shift) {
    shift_ = column_minima(features);
  } else {
    refuse_negatives(features);
  }
  std::unique_ptr<Graph> graph;
  if (params_.lambda > 0)
    graph = std::make_unique<Graph>(nearest_neighbours(features, params_.neighbours, {}, context));

  const ShiftedRows rows(features, shift_);
  restarts_.assign(static_cast<std::size_t>(params_.restarts), {});
  if (context.progress)
    context.progress->begin("NMF",
                            static_cast<std::int64_t>(params_.restarts) * params_.max_iterations);
  double best = std::numeric_limits<double>::infinity();
  std::vector<std::int32_t> labels;
  for (int restart = 0; restart < params_.restarts; ++restart) {
    RandomStream stream(context.seed, "NMF", static_cast<std::uint64_t>(restart));
    Factors factors(rows, clusters, graph.get(), params_.lambda, context);
    RowMajorD& h = factors.parts();
    if (params_.start == NmfStart::random) {
      for (double& value : h.reshaped()) value = stream.uniform();
    } else {
      KMeans kmeans({.restarts = 1, .max_iterations = 1});
      kmeans.fit(features, clusters, {.seed = stream.next(), .cancel = context.cancel});
      const Matrix<double> centres = kmeans.centres();
      h = Eigen::Map<const RowMajorD>(centres.data(), clusters, features.cols);
      if (!shift_.empty())
        h.rowwise() -=
            Eigen::Map<const Eigen::RowVectorXf>(shift_.data(), features.cols).cast<double>();
    }
    factors.normalise_parts();

    NmfRestart& record = restarts_[restart];
    while (true) {
      const double objective = factors.update_weights();
      const double before =
          record.objectives.empty() ? std::numeric_limits<double>::infinity() : record.objective;
      record.objective = objective;
      record.objectives.push_back(objective);
      ++record.iterations;
      record.converged = before - objective <= params_.tolerance * objective;
      if (context.progress)
        context.progress->update(
            static_cast<std::int64_t>(restart) * params_.max_iterations + record.iterations,
            fmt::format("restart {}, iteration {}, objective {:.6g}", restart + 1,
                        record.iterations, objective));
      // The parts stay those that the objective belongs to.
      if (record.converged || record.iterations == params_.max_iterations) break;
      factors.update_parts();
    }
    if (record.objective < best) {
      best = record.objective;
      chosen_ = restart;
      parts_ = Matrix<float>(clusters, features.cols);
      MapF(parts_.data(), clusters, features.cols) = h.cast<float>();
      if (graph) labels = labels_of_codes(factors.weights(), stream.next(), context);
    }
  }
  labelled_ = graph ? LabelledRows(features, std::move(labels), clusters) : LabelledRows();
  if (context.progress) context.progress->end();
  return predict(features);
}

Assignment Nmf::predict(ConstFeatures features) const {
  if (parts_.empty()) throw UserError("this NMF model is not trained: call fit or load first");
  check_width(parts_.cols(), features.cols);
  if (labelled_.clusters() > 0) return labelled_.predict(features);
  const ShiftedRows rows(features, shift_);
  const PartTable table(ConstMapF(parts_.data(), clusters(), features.cols));
  const int threads = threads_for(static_cast<double>(features.size()) * clusters());
  Assignment result{{}, Matrix<float>(features.rows, clusters())};
  for_row_blocks(
      features.rows, features.cols, threads, {}, [&](int, std::int64_t first, std::int64_t count) {
        RowMajorF scratch;
        const Eigen::MatrixXf target = rows.block(first, count, scratch) * table.parts.transpose();
        Eigen::MatrixXf w = Eigen::MatrixXf::Zero(count, clusters());
        descend(target, table.gram, Eigen::VectorXf::Zero(count), kPredictPasses, w);
        for (std::int64_t b = 0; b < count; ++b) {
          const float sum = w.row(b).sum();
          // A row that takes nothing of any part belongs to all alike.
          if (!(sum > 0)) w.row(b).setOnes();
          Eigen::Map<Eigen::RowVectorXf>(result.probabilities.row(first + b), clusters()) =
              w.row(b) / (sum > 0 ? sum : static_cast<float>(clusters()));
        }
      });
  result.labels = argmax_rows(result.probabilities.view());
  return result;
}

TensorMap Nmf::save() const {
  TensorMap tensors;
  if (labelled_.clusters() > 0) tensors = labelled_.save();
  tensors.emplace("parts", make_tensor(parts_));
  Matrix<float> shift(shift_.empty() ? 0 : 1, parts_.cols());
  std::copy(shift_.begin(), shift_.end(), shift.data());
  tensors.emplace("shift", make_tensor(shift));
  return tensors;
}

void Nmf::load(const TensorMap& tensors) {
  const StoredTensors stored(tensors, "NMF");
  parts_ = stored.float_matrix("parts");
  const Matrix<float> shift = stored.float_matrix("shift");
  shift_.assign(shift.data(), shift.data() + shift.size());
  if (!shift_.empty()) check_width(parts_.cols(), static_cast<std::int64_t>(shift_.size()));
  labelled_ = tensors.contains("rows") ? LabelledRows::load(tensors, "NMF") : LabelledRows();
}

}  // namespace coterie
