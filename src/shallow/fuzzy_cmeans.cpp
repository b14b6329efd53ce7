#include "coterie/shallow/fuzzy_cmeans.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "coterie/core/random.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/row_blocks.h"
#include "coterie/shallow/rows.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

template <class Real>
using RowMajor = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The centres in the form that the products need.
template <class Real>
struct CentreTable {
  explicit CentreTable(const Matrix<double>& centres)
      : values(Eigen::Map<const RowMajor<double>>(centres.data(), centres.rows(), centres.cols())
                   .cast<Real>()),
        squares(values.rowwise().squaredNorm()) {}
  RowMajor<Real> values;                           // [K, D]
  Eigen::Matrix<Real, 1, Eigen::Dynamic> squares;  // |c_k|^2
};

/// A block of rows and its memberships.
template <class Real>
class MembershipBlock {
 public:
  MembershipBlock(std::int64_t columns, std::int64_t clusters, double m)
      : m_(m), x_(row_block(columns), columns), logs_(row_block(columns), clusters) {}

  auto rows() const { return x_.topRows(count_); }
  /// Sum of the rows' |x|^2.
  double square() const { return squares_.template cast<double>().sum(); }

  /// Reads rows and finds log u_ik. Returns their part of J_m, which at these memberships is
  /// sum_i (sum_k d_ik^-a)^(-1/a) with a = 1 / (m - 1).
  double update(const PreparedRows& rows, std::int64_t first, std::int64_t count,
                const CentreTable<Real>& centres) {
    constexpr Real kRounding = 4 * std::numeric_limits<Real>::epsilon();
    count_ = count;
    for (std::int64_t b = 0; b < count; ++b) rows.load(first + b, x_.row(b).data());
    auto logs = logs_.topRows(count);
    logs.noalias() = x_.topRows(count) * centres.values.transpose();
    squares_ = x_.topRows(count).rowwise().squaredNorm();
    double objective = 0;
    for (std::int64_t b = 0; b < count; ++b) {
      auto row = logs.row(b).array();
      // What is left below `floor` is rounding: the row lies on the centre.
      const auto scale = centres.squares.array() + squares_[b];
      row = (scale - 2 * row).max(kRounding * scale + std::numeric_limits<Real>::min());
      nearest_[b] = row.minCoeff();
      row /= nearest_[b];
    }
    logs = logs.array().log() * static_cast<Real>(-1 / (m_ - 1));
    for (std::int64_t b = 0; b < count; ++b) {
      const Real log_sum = std::log(logs.row(b).array().exp().sum());
      logs.row(b).array() -= log_sum;
      objective +=
          static_cast<double>(nearest_[b]) * std::exp(-(m_ - 1) * static_cast<double>(log_sum));
    }
    return objective;
  }

  auto memberships() const { return logs_.topRows(count_).array().exp().matrix(); }
  /// (K u)^m, the weights of the centres' update: times K, as with large m all u are near 1 / K,
  /// and their powers would vanish.
  auto weights() const {
    const Real even = std::log(static_cast<Real>(logs_.cols()));
    return ((logs_.topRows(count_).array() + even) * static_cast<Real>(m_)).exp().matrix();
  }

 private:
  double m_;
  std::int64_t count_ = 0;
  RowMajor<Real> x_;     // [B, D]
  RowMajor<Real> logs_;  // [B, K]
  Eigen::Matrix<Real, Eigen::Dynamic, 1> squares_;
  Real nearest_[kRowBlock];
};

/// Weighted sums of the rows, as a thread collects them.
struct Sums {
  Sums(std::int64_t clusters, std::int64_t columns)
      : vector(RowMajor<double>::Zero(clusters, columns)), weight(clusters) {
    weight.setZero();
  }
  void add(const RowMajor<float>& weights, const Eigen::Ref<const RowMajor<float>>& rows) {
    product.noalias() = weights.transpose() * rows;
    vector += product.cast<double>();
    weight += weights.colwise().sum().cast<double>();
  }
  RowMajor<double> vector;  // sum_i w_ik x_i, [K, D]
  Eigen::RowVectorXd weight;
  RowMajor<float> product;
  double objective = 0;
  double square = 0;  // sum_i |x_i|^2
};

/// The iterations of one restart.
class Iterations {
 public:
  Iterations(const PreparedRows& rows, const FuzzyCMeansParams& params, std::int64_t clusters,
             const ShallowContext& context)
      : rows_(rows), params_(params), clusters_(clusters), context_(context) {
    threads_ = threads_for(static_cast<double>(rows.rows()) * rows.cols() * clusters);
  }

  /// The sums with the memberships at `centres`.
  Sums pass(const Matrix<double>& centres) const {
    const CentreTable<float> table(centres);
    std::vector<MembershipBlock<float>> blocks(
        threads_, MembershipBlock<float>(rows_.cols(), clusters_, params_.m));
    return collect([&](int rank, std::int64_t first, std::int64_t count, Sums& sums) {
      sums.objective += blocks[rank].update(rows_, first, count, table);
      sums.square += blocks[rank].square();
      sums.add(blocks[rank].weights(), blocks[rank].rows());
    });
  }

  /// Centres from memberships that are softmax(N(0, 1)), to the power of m; of 8 at most, above
  /// which floats do not hold it and a few rows are all of a centre.
  Matrix<double> random_centres(std::uint64_t seed) const {
    std::vector<RowMajor<float>> x(threads_,
                                   RowMajor<float>(row_block(rows_.cols()), rows_.cols()));
    const Sums sums = collect([&](int rank, std::int64_t first, std::int64_t count, Sums& into) {
      RandomStream stream(seed, "memberships", static_cast<std::uint64_t>(first));
      RowMajor<float> u(count, clusters_);
      for (std::int64_t b = 0; b < count; ++b) {
        for (std::int64_t k = 0; k < clusters_; ++k)
          u(b, k) = static_cast<float>(std::exp(stream.normal()));
        u.row(b) /= u.row(b).sum();
        rows_.load(first + b, x[rank].row(b).data());
      }
      u *= static_cast<float>(clusters_);
      into.add(u.array().pow(static_cast<float>(std::min(params_.m, 8.0))).matrix(),
               x[rank].topRows(count));
    });
    Matrix<double> centres(clusters_, rows_.cols());
    move(centres, sums);
    return centres;
  }

  /// Moves the centres to their weighted means. Returns the squared shift of all together.
  static double move(Matrix<double>& centres, const Sums& sums) {
    double shift = 0;
    for (std::int64_t k = 0; k < centres.rows(); ++k) {
      if (!(sums.weight[k] > 0)) continue;  // No row sees this centre: it stays.
      for (std::int64_t d = 0; d < centres.cols(); ++d) {
        const double fresh = sums.vector(k, d) / sums.weight[k];
        shift += (fresh - centres(k, d)) * (fresh - centres(k, d));
        centres(k, d) = fresh;
      }
    }
    return shift;
  }

 private:
  template <class Work>
  Sums collect(const Work& work) const {
    std::vector<Sums> sums(threads_, Sums(clusters_, rows_.cols()));
    for_row_blocks(rows_.rows(), rows_.cols(), threads_, context_,
                   [&](int rank, std::int64_t first, std::int64_t count) {
                     work(rank, first, count, sums[rank]);
                   });
    for (int rank = 1; rank < threads_; ++rank) {
      sums[0].vector += sums[rank].vector;
      sums[0].weight += sums[rank].weight;
      sums[0].objective += sums[rank].objective;
      sums[0].square += sums[rank].square;
    }
    return std::move(sums[0]);
  }

  const PreparedRows& rows_;
  const FuzzyCMeansParams& params_;
  std::int64_t clusters_;
  const ShallowContext& context_;
  int threads_;
};

void shift_by(Matrix<double>& centres, const std::vector<double>& mean, double sign) {
  for (std::int64_t k = 0; k < centres.rows(); ++k)
    for (std::int64_t d = 0; d < centres.cols(); ++d) centres(k, d) += sign * mean[d];
}

}  // namespace

const Fields<FuzzyCMeansParams>& FuzzyCMeansParams::fields() {
  using Params = FuzzyCMeansParams;
  static const Fields<Params> fields =
      Fields<Params>()
          .number("m", &Params::m, Range{1, 100, true, false}, "fuzziness; nearer to 1 is harder")
          .choice("distance", &Params::distance,
                  {{"sqeuclidean", FuzzyDistance::sqeuclidean}, {"cosine", FuzzyDistance::cosine}},
                  "distance between a row and a centre")
          .choice("start", &Params::start,
                  {{"kmeans++", FuzzyStart::plus_plus}, {"random", FuzzyStart::random}},
                  "first centres: k-means++ and one iteration of k-means, or random memberships")
          .number("restarts", &Params::restarts, between(1, 10000),
                  "starts; the lowest objective is kept")
          .number("max_iterations", &Params::max_iterations, between(1, 1e6),
                  "iterations in a restart, at most")
          .number("tolerance", &Params::tolerance, between(0, 1),
                  "stop when the centres shift by less, squared and relative to the variance");
  return fields;
}

FuzzyCMeans::FuzzyCMeans(FuzzyCMeansParams params) : params_(params) { params_.validate(); }

Assignment FuzzyCMeans::fit(ConstFeatures features, std::int64_t clusters,
                            const ShallowContext& context) {
  return run(features, clusters, nullptr, context);
}

Assignment FuzzyCMeans::fit_from(ConstFeatures features, const Matrix<double>& centres,
                                 const ShallowContext& context) {
  check_width(centres.cols(), features.cols);
  return run(features, centres.rows(), &centres, context);
}

Assignment FuzzyCMeans::run(ConstFeatures features, std::int64_t clusters,
                            const Matrix<double>* start, const ShallowContext& context) {
  check_clustering_input(features, clusters);
  const bool cosine = params_.distance == FuzzyDistance::cosine;
  const PreparedRows rows(features, PreparedRows::mean_of(features, cosine), cosine);
  mean_ = rows.mean();
  const Iterations iterations(rows, params_, clusters, context);

  const int restarts = start ? 1 : params_.restarts;
  restarts_.assign(static_cast<std::size_t>(restarts), {});
  if (context.progress)
    context.progress->begin("fuzzy c-means",
                            static_cast<std::int64_t>(restarts) * params_.max_iterations);
  double best = std::numeric_limits<double>::infinity();
  for (int restart = 0; restart < restarts; ++restart) {
    const std::uint64_t seed =
        RandomStream(context.seed, "fuzzy c-means", static_cast<std::uint64_t>(restart)).next();
    Matrix<double> centres;
    if (start) {
      centres = *start;
      shift_by(centres, mean_, -1);
    } else if (params_.start == FuzzyStart::random) {
      centres = iterations.random_centres(seed);
    } else {
      KMeans kmeans({.restarts = 1, .max_iterations = 1, .spherical = cosine});
      kmeans.fit(features, clusters, {.seed = seed, .cancel = context.cancel});
      centres = kmeans.centres();
      shift_by(centres, mean_, -1);
    }
    FuzzyCMeansRestart& record = restarts_[restart];
    while (true) {
      const Sums sums = iterations.pass(centres);
      record.objective = sums.objective;
      record.objectives.push_back(sums.objective);
      ++record.iterations;
      // The rows have mean 0, so their squares give the variance.
      const double still = params_.tolerance * sums.square / static_cast<double>(features.size());
      Matrix<double> moved = centres;
      record.converged = Iterations::move(moved, sums) <= still;
      if (context.progress)
        context.progress->update(
            static_cast<std::int64_t>(restart) * params_.max_iterations + record.iterations,
            fmt::format("restart {}, iteration {}, objective {:.6g}", restart + 1,
                        record.iterations, record.objective));
      // The centres stay those that the objective belongs to.
      if (record.converged || record.iterations == params_.max_iterations) break;
      centres = std::move(moved);
    }
    if (record.objective < best) {
      best = record.objective;
      chosen_ = restart;
      centres_ = std::move(centres);
    }
  }
  if (context.progress) context.progress->end();
  return predict(features);
}

Assignment FuzzyCMeans::predict(ConstFeatures features) const {
  if (centres_.empty())
    throw UserError("this fuzzy c-means model is not trained: call fit or load first");
  check_width(centres_.cols(), features.cols);
  const PreparedRows rows(features, mean_, params_.distance == FuzzyDistance::cosine);
  const CentreTable<double> table(centres_);
  const int threads = threads_for(static_cast<double>(features.size()) * clusters());
  std::vector<MembershipBlock<double>> blocks(
      threads, MembershipBlock<double>(features.cols, clusters(), params_.m));
  Assignment result{{}, Matrix<float>(features.rows, clusters())};
  for_row_blocks(features.rows, features.cols, threads, {},
                 [&](int rank, std::int64_t first, std::int64_t count) {
                   blocks[rank].update(rows, first, count, table);
                   Eigen::Map<RowMajor<float>>(result.probabilities.row(first), count, clusters()) =
                       blocks[rank].memberships().cast<float>();
                 });
  result.labels = argmax_rows(result.probabilities.view());
  return result;
}

Matrix<double> FuzzyCMeans::centres() const {
  Matrix<double> centres = centres_;
  shift_by(centres, mean_, 1);
  return centres;
}

TensorMap FuzzyCMeans::save() const {
  return {{"mean", make_tensor<double>({static_cast<std::int64_t>(mean_.size())}, mean_)},
          {"centres", make_tensor(centres_)}};
}

void FuzzyCMeans::load(const TensorMap& tensors) {
  const StoredTensors stored(tensors, "fuzzy c-means");
  mean_ = stored.vector("mean");
  centres_ = stored.matrix("centres");
  check_width(static_cast<std::int64_t>(mean_.size()), centres_.cols());
}

}  // namespace coterie
