#include "coterie/shallow/kmeans.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/distances.h"
#include "coterie/shallow/rows.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MapF = Eigen::Map<RowMajorF>;
using ConstMapF = Eigen::Map<const RowMajorF>;

constexpr std::int64_t kBlock = 256;

/// The centres in the form that the products need.
struct CentreTable {
  explicit CentreTable(const Matrix<double>& centres)
      : values(centres.rows(), centres.cols()), squares(centres.rows()) {
    for (std::int64_t i = 0; i < centres.size(); ++i)
      values.data()[i] = static_cast<float>(centres.data()[i]);
    for (std::int64_t k = 0; k < centres.rows(); ++k)
      squares[k] = static_cast<float>(squared_length(centres.row(k), centres.cols()));
  }
  Matrix<float> values;        // [K, D]
  std::vector<float> squares;  // |c_k|^2
};

/// Squared distances of the rows in `x` [count, D] to each centre, less the rows' own |x|^2.
void relative_distances(const float* x, std::int64_t count, const CentreTable& centres,
                        float* out) {
  const std::int64_t clusters = centres.values.rows(), columns = centres.values.cols();
  MapF distances(out, count, clusters);
  distances.noalias() = ConstMapF(x, count, columns) *
                        ConstMapF(centres.values.data(), clusters, columns).transpose();
  const Eigen::Map<const Eigen::RowVectorXf> squares(centres.squares.data(), clusters);
  distances *= -2.0f;
  distances.rowwise() += squares;
}

int threads_for(double work) {
  return static_cast<int>(std::clamp<double>(work / 2e6, 1, thread_count()));
}

/// Lloyd's algorithm over prepared rows.
class Lloyd {
 public:
  Lloyd(const PreparedRows& rows, std::int64_t clusters)
      : rows_(rows),
        clusters_(clusters),
        threads_(threads_for(static_cast<double>(rows.rows()) * rows.cols() * clusters)),
        labels_(static_cast<std::size_t>(rows.rows()), -1),
        distances_(static_cast<std::size_t>(rows.rows())) {}

  /// Assigns every row to its nearest centre and sums the rows of each. Returns how many labels
  /// changed.
  std::int64_t assign(const Matrix<double>& centres) {
    const CentreTable table(centres);
    std::vector<Matrix<double>> sums(threads_);
    std::vector<std::vector<std::int64_t>> sizes(threads_);
    std::vector<std::int64_t> changed(threads_);
    std::vector<double> inertia(threads_), squares(threads_);
    // Fixed shares, so that the sums come out the same each time.
    Team::run(threads_, [&](int rank, Team&) {
      const Share share = share_of(rows_.rows(), rank, threads_);
      const std::int64_t columns = rows_.cols();
      sums[rank] = Matrix<double>(clusters_, columns);
      sizes[rank].assign(clusters_, 0);
      Matrix<float> x(kBlock, columns), distances(kBlock, clusters_);
      for (std::int64_t first = share.begin; first < share.end; first += kBlock) {
        const std::int64_t count = std::min(kBlock, share.end - first);
        for (std::int64_t b = 0; b < count; ++b) rows_.load(first + b, x.row(b));
        relative_distances(x.data(), count, table, distances.data());
        for (std::int64_t b = 0; b < count; ++b) {
          const float* row = distances.row(b);
          const auto nearest =
              static_cast<std::int32_t>(std::min_element(row, row + clusters_) - row);
          changed[rank] += labels_[first + b] != nearest;
          labels_[first + b] = nearest;
          const double square = squared_length(x.row(b), columns);
          const double distance = std::max(0.0, row[nearest] + square);
          squares[rank] += square;
          distances_[first + b] = static_cast<float>(distance);
          inertia[rank] += distance;
          ++sizes[rank][nearest];
          double* sum = sums[rank].row(nearest);
          for (std::int64_t d = 0; d < columns; ++d) sum[d] += x(b, d);
        }
      }
    });
    sums_ = std::move(sums[0]);
    sizes_ = std::move(sizes[0]);
    inertia_ = inertia[0];
    squares_ = squares[0];
    std::int64_t total_changed = changed[0];
    for (int rank = 1; rank < threads_; ++rank) {
      for (std::int64_t i = 0; i < sums_.size(); ++i) sums_.data()[i] += sums[rank].data()[i];
      for (std::int64_t k = 0; k < clusters_; ++k) sizes_[k] += sizes[rank][k];
      inertia_ += inertia[rank];
      squares_ += squares[rank];
      total_changed += changed[rank];
    }
    return total_changed;
  }

  /// Gives each empty cluster the row farthest from its centre among clusters of two or more.
  std::int64_t repair_empty() {
    std::int64_t repaired = 0;
    std::vector<float> row(static_cast<std::size_t>(rows_.cols()));
    for (std::int64_t k = 0; k < clusters_; ++k) {
      if (sizes_[k] > 0) continue;
      std::int64_t farthest = -1;
      for (std::int64_t i = 0; i < rows_.rows(); ++i)
        if (sizes_[labels_[i]] > 1 && (farthest < 0 || distances_[i] > distances_[farthest]))
          farthest = i;
      rows_.load(farthest, row.data());
      const std::int32_t from = labels_[farthest];
      for (std::int64_t d = 0; d < rows_.cols(); ++d) {
        sums_(from, d) -= row[d];
        sums_(k, d) = row[d];
      }
      --sizes_[from];
      sizes_[k] = 1;
      labels_[farthest] = static_cast<std::int32_t>(k);
      inertia_ -= distances_[farthest];
      distances_[farthest] = 0;
      ++repaired;
    }
    return repaired;
  }

  /// Moves the centres to the means of their rows; returns the squared shift of all together.
  double update(Matrix<double>& centres, const PreparedRows& rows, bool spherical) const {
    double shift = 0;
    std::vector<double> fresh(static_cast<std::size_t>(rows.cols()));
    for (std::int64_t k = 0; k < clusters_; ++k) {
      for (std::int64_t d = 0; d < rows.cols(); ++d)
        fresh[d] = sums_(k, d) / static_cast<double>(sizes_[k]);
      if (spherical) {  // Back onto the unit sphere, which lies off the mean.
        double length = 0;
        for (std::int64_t d = 0; d < rows.cols(); ++d)
          length += (fresh[d] + rows.mean()[d]) * (fresh[d] + rows.mean()[d]);
        const double scale = length > 0 ? 1.0 / std::sqrt(length) : 1.0;
        for (std::int64_t d = 0; d < rows.cols(); ++d)
          fresh[d] = (fresh[d] + rows.mean()[d]) * scale - rows.mean()[d];
      }
      for (std::int64_t d = 0; d < rows.cols(); ++d) {
        const double step = fresh[d] - centres(k, d);
        shift += step * step;
        centres(k, d) = fresh[d];
      }
    }
    return shift;
  }

  double inertia() const { return inertia_; }
  /// Variance of a column, on average.
  double column_variance() const {
    return squares_ / (static_cast<double>(rows_.rows()) * static_cast<double>(rows_.cols()));
  }

 private:
  const PreparedRows& rows_;
  std::int64_t clusters_;
  int threads_;
  std::vector<std::int32_t> labels_;
  std::vector<float> distances_;  // to the own centre, squared
  Matrix<double> sums_;
  std::vector<std::int64_t> sizes_;
  double inertia_ = 0;
  double squares_ = 0;  // of all rows, which have mean 0
};

/// Greedy k-means++: each next centre is the best of a few rows drawn with probability proportional
/// to the squared distance to the centres so far.
Matrix<double> plus_plus(const PreparedRows& rows, std::int64_t clusters, RandomStream& stream,
                         const ShallowContext& context) {
  const std::int64_t n = rows.rows(), columns = rows.cols();
  const auto candidates = static_cast<std::int64_t>(2 + std::log(static_cast<double>(clusters)));
  Matrix<double> centres(clusters, columns);
  std::vector<float> nearest(static_cast<std::size_t>(n), std::numeric_limits<float>::infinity());
  Matrix<float> to_candidate(candidates, n);
  std::vector<double> row(static_cast<std::size_t>(columns));

  // Distances of all rows to `drawn` rows, capped by those to the centres so far.
  const auto measure = [&](const std::vector<std::int64_t>& drawn) {
    Matrix<double> points(static_cast<std::int64_t>(drawn.size()), columns);
    for (std::size_t c = 0; c < drawn.size(); ++c) rows.load(drawn[c], points.row(c));
    const CentreTable table(points);
    parallel_for(n, 4 * kBlock, [&](std::int64_t begin, std::int64_t end) {
      Matrix<float> x(kBlock, columns), distances(kBlock, points.rows());
      for (std::int64_t first = begin; first < end; first += kBlock) {
        const std::int64_t count = std::min(kBlock, end - first);
        for (std::int64_t b = 0; b < count; ++b) rows.load(first + b, x.row(b));
        relative_distances(x.data(), count, table, distances.data());
        for (std::int64_t b = 0; b < count; ++b) {
          const auto square = static_cast<float>(squared_length(x.row(b), columns));
          for (std::int64_t c = 0; c < points.rows(); ++c)
            to_candidate(c, first + b) =
                std::min(nearest[first + b], std::max(0.0f, distances(b, c) + square));
        }
      }
    });
  };
  const auto potential = [&](const float* distances) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += distances[i];
    return sum;
  };

  double total = 0;
  for (std::int64_t k = 0; k < clusters; ++k) {
    context.check_cancelled();
    std::vector<std::int64_t> drawn;
    if (k == 0) {
      drawn.push_back(static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(n))));
    } else {
      for (std::int64_t c = 0; c < candidates; ++c) {
        double left = stream.uniform() * total;
        std::int64_t i = 0;
        while (i + 1 < n && (left -= nearest[i]) >= 0) ++i;
        drawn.push_back(i);
      }
    }
    measure(drawn);
    std::int64_t best = 0;
    double best_potential = std::numeric_limits<double>::infinity();
    for (std::int64_t c = 0; c < static_cast<std::int64_t>(drawn.size()); ++c) {
      const double value = potential(to_candidate.row(c));
      if (value < best_potential) {
        best_potential = value;
        best = c;
      }
    }
    total = best_potential;
    std::copy_n(to_candidate.row(best), n, nearest.begin());
    nearest[drawn[best]] = 0;
    rows.load(drawn[best], row.data());
    std::copy(row.begin(), row.end(), centres.row(k));
  }
  return centres;
}

}  // namespace

const Fields<KMeansParams>& KMeansParams::fields() {
  static const Fields<KMeansParams> fields =
      Fields<KMeansParams>()
          .number("restarts", &KMeansParams::restarts, between(1, 10000),
                  "k-means++ starts; the lowest inertia is kept")
          .number("max_iterations", &KMeansParams::max_iterations, between(1, 1e6),
                  "Lloyd iterations in a restart, at most")
          .number("tolerance", &KMeansParams::tolerance, between(0, 1),
                  "stop when the centres shift by less, squared and relative to the variance")
          .flag("spherical", &KMeansParams::spherical,
                "cluster directions: rows and centres of unit length");
  return fields;
}

KMeans::KMeans(KMeansParams params) : params_(params) { params_.validate(); }

Assignment KMeans::fit(ConstFeatures features, std::int64_t clusters,
                       const ShallowContext& context) {
  return run(features, clusters, nullptr, context);
}

Assignment KMeans::fit_from(ConstFeatures features, const Matrix<double>& centres,
                            const ShallowContext& context) {
  check_width(centres.cols(), features.cols);
  return run(features, centres.rows(), &centres, context);
}

Assignment KMeans::run(ConstFeatures features, std::int64_t clusters, const Matrix<double>* start,
                       const ShallowContext& context) {
  check_clustering_input(features, clusters);
  const PreparedRows rows(features, PreparedRows::mean_of(features, params_.spherical),
                          params_.spherical);
  mean_ = rows.mean();
  const int restarts = start ? 1 : params_.restarts;
  restarts_.assign(static_cast<std::size_t>(restarts), {});
  if (context.progress)
    context.progress->begin("k-means",
                            static_cast<std::int64_t>(restarts) * params_.max_iterations);
  double best = std::numeric_limits<double>::infinity();
  for (int restart = 0; restart < restarts; ++restart) {
    Matrix<double> centres;
    if (start) {
      centres = *start;
      for (std::int64_t k = 0; k < clusters; ++k)
        for (std::int64_t d = 0; d < centres.cols(); ++d) centres(k, d) -= mean_[d];
    } else {
      RandomStream stream(context.seed, "k-means", static_cast<std::uint64_t>(restart));
      centres = plus_plus(rows, clusters, stream, context);
    }
    KMeansRestart& record = restarts_[restart];
    Lloyd lloyd(rows, clusters);
    while (!record.converged && record.iterations < params_.max_iterations) {
      context.check_cancelled();
      const std::int64_t changed = lloyd.assign(centres);
      record.repaired += lloyd.repair_empty();
      ++record.iterations;
      const double shift = lloyd.update(centres, rows, params_.spherical);
      record.converged = changed == 0 || shift <= params_.tolerance * lloyd.column_variance();
      if (context.progress)
        context.progress->update(
            static_cast<std::int64_t>(restart) * params_.max_iterations + record.iterations,
            fmt::format("restart {}, iteration {}, inertia {:.6g}", restart + 1, record.iterations,
                        lloyd.inertia()));
    }
    lloyd.assign(centres);
    record.inertia = lloyd.inertia();
    if (record.inertia < best) {
      best = record.inertia;
      chosen_ = restart;
      centres_ = std::move(centres);
    }
  }
  if (context.progress) context.progress->end();
  return predict(features);
}

Assignment KMeans::predict(ConstFeatures features) const {
  if (centres_.empty())
    throw UserError("this k-means model is not trained: call fit or load first");
  check_width(centres_.cols(), features.cols);
  const PreparedRows rows(features, mean_, params_.spherical);
  Assignment result{{}, Matrix<float>(features.rows, clusters())};
  closeness_to_centres(rows, centres_, result.probabilities);
  result.labels = argmax_rows(result.probabilities.view());
  return result;
}

Matrix<double> KMeans::centres() const {
  Matrix<double> centres = centres_;
  for (std::int64_t k = 0; k < centres.rows(); ++k)
    for (std::int64_t d = 0; d < centres.cols(); ++d) centres(k, d) += mean_[d];
  return centres;
}

TensorMap KMeans::save() const {
  return {{"mean", make_tensor<double>({static_cast<std::int64_t>(mean_.size())}, mean_)},
          {"centres", make_tensor(centres_)}};
}

void KMeans::load(const TensorMap& tensors) {
  StoredTensors stored(tensors, "k-means");
  mean_ = stored.vector("mean");
  centres_ = stored.matrix("centres");
  check_width(static_cast<std::int64_t>(mean_.size()), centres_.cols());
}

}  // namespace coterie
