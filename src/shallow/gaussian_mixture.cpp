#include "coterie/shallow/gaussian_mixture.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "coterie/core/memory.h"
#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/row_blocks.h"
#include "coterie/shallow/rows.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Block = Eigen::Ref<const RowMajor>;
using ConstMap = Eigen::Map<const RowMajor>;
using ConstRow = Eigen::Map<const Eigen::RowVectorXd>;

/// A component of less weight than this many rows has no shape of its own: it keeps its last one.
constexpr double kFewestRows = 1e-8;

ConstRow as_row(const std::vector<double>& values) {
  return ConstRow(values.data(), static_cast<Eigen::Index>(values.size()));
}

/// log(pi_k p_k(x)) of all components.
class Density {
 public:
  Density(const Mixture& mixture, const std::vector<double>& cloud, Covariance covariance)
      : clusters_(mixture.means.rows()),
        columns_(mixture.means.cols()),
        full_(covariance == Covariance::full),
        constants_(clusters_),
        whitening_(full_ ? clusters_ * columns_ : 0, columns_),
        linear_(clusters_, full_ ? columns_ : 2 * columns_) {
    parallel_for(clusters_, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const ConstRow mean(mixture.means.row(k), columns_);
        const double half_log_determinant = full_ ? prepare_full(k, mean, mixture, cloud)
                                                  : prepare_diagonal(k, mean, mixture, cloud);
        constants_[k] += std::log(std::max(mixture.weights[k], 1e-300)) - half_log_determinant -
                         0.5 * static_cast<double>(columns_) * std::log(2 * std::numbers::pi);
      }
    });
  }

  /// Rows [B, D] to logarithms [B, K]; `work` is scratch.
  void log_joint(const Block& x, RowMajor& work, Eigen::Ref<RowMajor> out) const {
    if (!full_) {
      work.resize(x.rows(), 2 * columns_);
      work.leftCols(columns_) = x;
      work.rightCols(columns_) = x.array().square();
      out.noalias() = work * linear_.transpose();
    } else {
      work.resize(x.rows(), columns_);
      for (std::int64_t k = 0; k < clusters_; ++k) {
        work.noalias() = x * whitening_.middleRows(k * columns_, columns_)
                                 .triangularView<Eigen::Lower>()
                                 .transpose();
        work.rowwise() -= linear_.row(k);
        out.col(k) = -0.5 * work.rowwise().squaredNorm();
      }
    }
    out.rowwise() += constants_;
  }

 private:
  // -1/2 (x - mu)^2 / v = x mu/v - x^2 1/(2v) + constant: one product with (x, x^2).
  double prepare_diagonal(std::int64_t k, const ConstRow& mean, const Mixture& mixture,
                          const std::vector<double>& cloud) {
    const auto variance = ConstRow(mixture.covariances.row(k), columns_).array();
    linear_.row(k).head(columns_) = mean.array() / variance;
    linear_.row(k).tail(columns_) = -0.5 / variance;
    constants_[k] = -0.5 * ((mean.array().square() + as_row(cloud).array()) / variance).sum();
    return 0.5 * variance.log().sum();
  }

  // |W (x - mu)|^2 with W the inverse of S's Cholesky factor.
  double prepare_full(std::int64_t k, const ConstRow& mean, const Mixture& mixture,
                      const std::vector<double>& cloud) {
    const ConstMap covariance(mixture.covariances.row(k * columns_), columns_, columns_);
    const Eigen::LLT<RowMajor> cholesky(covariance);
    if (cholesky.info() != Eigen::Success)
      throw UserError(
          "the covariance of component {} is singular to working precision; raise regularisation",
          k);
    auto whitening = whitening_.middleRows(k * columns_, columns_);
    whitening.setIdentity();
    cholesky.matrixL().solveInPlace(whitening);
    linear_.row(k) = mean * whitening.transpose();
    constants_[k] = -0.5 * whitening.colwise().squaredNorm().dot(as_row(cloud));
    return RowMajor(cholesky.matrixL()).diagonal().array().log().sum();
  }

  std::int64_t clusters_, columns_;
  bool full_;
  Eigen::RowVectorXd constants_;  // [K]
  RowMajor whitening_;            // [K * D, D], where full
  RowMajor linear_;               // W mu [K, D], or (mu / v, -1 / 2v) [K, 2 D]
};

/// Logarithms to posteriors, in place. Returns the sum over the rows of log sum_k exp.
double normalise(Eigen::Ref<RowMajor> logs) {
  double total = 0;
  for (Eigen::Index b = 0; b < logs.rows(); ++b) {
    auto row = logs.row(b).array();
    const double largest = row.maxCoeff();
    row = (row - largest).exp();
    const double sum = row.sum();
    row /= sum;
    total += largest + std::log(sum);
  }
  return total;
}

/// Sums of rows, and of their squares or products, with the components' weights.
struct Moments {
  Moments(std::int64_t clusters, std::int64_t columns, Covariance covariance)
      : full(covariance == Covariance::full),
        weight(Eigen::RowVectorXd::Zero(clusters)),
        first(RowMajor::Zero(clusters, columns)),
        second(RowMajor::Zero(full ? clusters * columns : clusters, columns)) {}

  void add(const Block& x, const Block& posteriors, RowMajor& work) {
    weight += posteriors.colwise().sum();
    first.noalias() += posteriors.transpose() * x;
    if (!full) {
      work = x.array().square();
      second.noalias() += posteriors.transpose() * work;
      return;
    }
    for (Eigen::Index k = 0; k < posteriors.cols(); ++k) {
      // Most rows have no part in most components: their products are left out.
      work.resize(x.rows(), x.cols());
      Eigen::Index used = 0;
      for (Eigen::Index b = 0; b < x.rows(); ++b)
        if (posteriors(b, k) > 1e-20) work.row(used++) = std::sqrt(posteriors(b, k)) * x.row(b);
      second.middleRows(k * x.cols(), x.cols())
          .selfadjointView<Eigen::Lower>()
          .rankUpdate(work.topRows(used).transpose());
    }
  }

  void add(const Moments& other) {
    weight += other.weight;
    first += other.first;
    second += other.second;
    log_likelihood += other.log_likelihood;
  }

  bool full;
  Eigen::RowVectorXd weight;  // [K]
  RowMajor first;             // [K, D]
  RowMajor second;            // [K, D], or the lower halves of K matrices [K * D, D]
  double log_likelihood = 0;
};

/// EM over prepared rows.
class Em {
 public:
  Em(const PreparedRows& rows, std::int64_t clusters, Covariance covariance,
     const ShallowContext& context)
      : rows_(rows), clusters_(clusters), covariance_(covariance), context_(context) {
    const double columns = static_cast<double>(rows.cols());
    const bool full = covariance == Covariance::full;
    threads_ = threads_for(static_cast<double>(rows.rows()) * columns *
                           static_cast<double>(clusters) * (full ? columns : 1));
    if (full)
      require_memory((threads_ + 4) * static_cast<double>(clusters) * columns * columns * 8,
                     fmt::format("{} full covariances of {} columns", clusters, rows.cols()),
                     "use covariance=diagonal, or reduce the columns first");
  }

  /// Moments with the posteriors of the mixture.
  Moments expectation(const Mixture& mixture, const std::vector<double>& cloud) const {
    const Density density(mixture, cloud, covariance_);
    return collect([&](const Block& x, std::int64_t, RowMajor& work, Eigen::Ref<RowMajor> out) {
      density.log_joint(x, work, out);
      return normalise(out);
    });
  }

  /// Moments of the clusters that the labels name.
  Moments of_labels(const std::vector<std::int32_t>& labels) const {
    return collect([&](const Block& x, std::int64_t first, RowMajor&, Eigen::Ref<RowMajor> out) {
      out.setZero();
      for (Eigen::Index b = 0; b < x.rows(); ++b) out(b, labels[first + b]) = 1;
      return 0.0;
    });
  }

  /// Components that each cover all of the data: what one without rows stays.
  Mixture broad_mixture(const std::vector<double>& cloud, double regularisation) const {
    const std::int64_t columns = rows_.cols(),
                       height = covariance_ == Covariance::full ? columns : 1;
    Mixture mixture{std::vector<double>(static_cast<std::size_t>(clusters_)),
                    Matrix<double>(clusters_, columns),
                    Matrix<double>(clusters_ * height, columns)};
    for (std::int64_t row = 0; row < clusters_ * height; ++row)
      for (std::int64_t d = 0; d < columns; ++d)
        if (height == 1 || row % height == d)
          mixture.covariances(row, d) = cloud[d] / regularisation;
    return mixture;
  }

  /// The mixture of the greatest likelihood for the moments.
  void maximise(const Moments& moments, const std::vector<double>& cloud, Mixture& mixture) const {
    const std::int64_t columns = rows_.cols();
    for (std::int64_t k = 0; k < clusters_; ++k) {
      const double weight = moments.weight[k];
      mixture.weights[k] = weight / static_cast<double>(rows_.rows());
      if (weight < kFewestRows) continue;
      Eigen::Map<Eigen::RowVectorXd> mean(mixture.means.row(k), columns);
      mean = moments.first.row(k) / weight;
      if (!moments.full) {
        Eigen::Map<Eigen::RowVectorXd>(mixture.covariances.row(k), columns) =
            (moments.second.row(k) / weight - mean.cwiseAbs2()).cwiseMax(0) + as_row(cloud);
        continue;
      }
      Eigen::Map<RowMajor> matrix(mixture.covariances.row(k * columns), columns, columns);
      matrix = moments.second.middleRows(k * columns, columns) / weight;
      matrix.noalias() -= mean.transpose() * mean;
      matrix.diagonal() += as_row(cloud).transpose();
      matrix.triangularView<Eigen::StrictlyUpper>() = matrix.transpose();
    }
  }

 private:
  template <class Posteriors>
  Moments collect(const Posteriors& posteriors) const {
    struct Scratch {
      RowMajor x, p, work;
    };
    std::vector<Scratch> scratch(threads_);
    std::vector<Moments> moments(threads_, Moments(clusters_, rows_.cols(), covariance_));
    for_row_blocks(rows_.rows(), rows_.cols(), threads_, context_,
                   [&](int rank, std::int64_t first, std::int64_t count) {
                     auto& [x, p, work] = scratch[rank];
                     x.resize(count, rows_.cols());
                     p.resize(count, clusters_);
                     for (std::int64_t b = 0; b < count; ++b)
                       rows_.load(first + b, x.row(b).data());
                     moments[rank].log_likelihood += posteriors(x, first, work, p);
                     moments[rank].add(x, p, work);
                   });
    for (int rank = 1; rank < threads_; ++rank) moments[0].add(moments[rank]);
    return std::move(moments[0]);
  }

  const PreparedRows& rows_;
  std::int64_t clusters_;
  Covariance covariance_;
  const ShallowContext& context_;
  int threads_;
};

/// The variance round each row: `part` of the column's own, or of the mean one where a column is
/// constant.
std::vector<double> cloud_of(const PreparedRows& rows, double part) {
  Eigen::RowVectorXd squares = Eigen::RowVectorXd::Zero(rows.cols()), row(rows.cols());
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    rows.load(i, row.data());
    squares += row.cwiseAbs2();
  }
  squares *= part / static_cast<double>(rows.rows());
  std::vector<double> cloud(squares.data(), squares.data() + squares.size());
  for (double& variance : cloud)
    if (variance == 0) variance = squares.mean();
  return cloud;
}

void set_criteria(GaussianMixtureRestart& record, const Mixture& mixture, std::int64_t rows) {
  const auto clusters = static_cast<double>(mixture.means.rows());
  const auto columns = static_cast<double>(mixture.means.cols());
  const bool full = mixture.covariances.rows() != mixture.means.rows();
  const double shape = full ? columns * (columns + 1) / 2 : columns;
  const double parameters = clusters - 1 + clusters * (columns + shape);
  record.bic = -2 * record.log_likelihood + parameters * std::log(static_cast<double>(rows));
  record.aic = -2 * record.log_likelihood + parameters * 2;
}

}  // namespace

const Fields<GaussianMixtureParams>& GaussianMixtureParams::fields() {
  using Params = GaussianMixtureParams;
  static const Fields<Params> fields =
      Fields<Params>()
          .choice("covariance", &Params::covariance,
                  {{"diagonal", Covariance::diagonal}, {"full", Covariance::full}},
                  "shape of a component; full takes time and memory by the columns squared")
          .number("restarts", &Params::restarts, between(1, 10000),
                  "k-means starts; the highest log-likelihood is kept")
          .number("max_iterations", &Params::max_iterations, between(1, 1e6),
                  "EM iterations in a restart, at most")
          .number("tolerance", &Params::tolerance, between(0, 1e6),
                  "stop when a row's log-likelihood gains less on average")
          .number("regularisation", &Params::regularisation, between(1e-10, 1),
                  "variance round each row, relative to the column's variance");
  return fields;
}

GaussianMixture::GaussianMixture(GaussianMixtureParams params) : params_(params) {
  params_.validate();
}

Assignment GaussianMixture::fit(ConstFeatures features, std::int64_t clusters,
                                const ShallowContext& context) {
  check_clustering_input(features, clusters);
  const PreparedRows rows(features, PreparedRows::mean_of(features, false), false);
  const Em em(rows, clusters, params_.covariance, context);
  mean_ = rows.mean();
  cloud_ = cloud_of(rows, params_.regularisation);

  restarts_.assign(static_cast<std::size_t>(params_.restarts), {});
  if (context.progress)
    context.progress->begin("Gaussian mixture",
                            static_cast<std::int64_t>(params_.restarts) * params_.max_iterations);
  double best = -std::numeric_limits<double>::infinity();
  for (int restart = 0; restart < params_.restarts; ++restart) {
    RandomStream stream(context.seed, "Gaussian mixture", static_cast<std::uint64_t>(restart));
    KMeans kmeans({.restarts = 1});
    const Assignment start =
        kmeans.fit(features, clusters, {.seed = stream.next(), .cancel = context.cancel});
    Mixture mixture = em.broad_mixture(cloud_, params_.regularisation);
    em.maximise(em.of_labels(start.labels), cloud_, mixture);

    GaussianMixtureRestart& record = restarts_[restart];
    while (true) {
      const Moments moments = em.expectation(mixture, cloud_);
      const double gain = record.log_likelihoods.empty()
                              ? std::numeric_limits<double>::infinity()
                              : moments.log_likelihood - record.log_likelihood;
      record.log_likelihood = moments.log_likelihood;
      record.log_likelihoods.push_back(moments.log_likelihood);
      ++record.iterations;
      record.converged = gain <= params_.tolerance * static_cast<double>(features.rows);
      if (context.progress)
        context.progress->update(
            static_cast<std::int64_t>(restart) * params_.max_iterations + record.iterations,
            fmt::format("restart {}, iteration {}, log-likelihood {:.6g}", restart + 1,
                        record.iterations, record.log_likelihood));
      // The mixture stays the one that the log-likelihood belongs to.
      if (record.converged || record.iterations == params_.max_iterations) break;
      em.maximise(moments, cloud_, mixture);
    }
    set_criteria(record, mixture, features.rows);
    if (record.log_likelihood > best) {
      best = record.log_likelihood;
      chosen_ = restart;
      mixture_ = std::move(mixture);
    }
  }
  if (context.progress) context.progress->end();
  return predict(features);
}

Assignment GaussianMixture::predict(ConstFeatures features) const {
  if (mixture_.weights.empty())
    throw UserError("this Gaussian mixture is not trained: call fit or load first");
  check_width(mixture_.means.cols(), features.cols);
  const PreparedRows rows(features, mean_, false);
  const bool full = mixture_.covariances.rows() != clusters();
  const Density density(mixture_, cloud_, full ? Covariance::full : Covariance::diagonal);
  const int threads = threads_for(static_cast<double>(features.rows) *
                                  static_cast<double>(mixture_.covariances.size()));
  std::vector<RowMajor> x(threads), logs(threads), work(threads);
  Assignment result{{}, Matrix<float>(features.rows, clusters())};
  for_row_blocks(features.rows, features.cols, threads, {},
                 [&](int rank, std::int64_t first, std::int64_t count) {
                   x[rank].resize(count, features.cols);
                   logs[rank].resize(count, clusters());
                   for (std::int64_t b = 0; b < count; ++b)
                     rows.load(first + b, x[rank].row(b).data());
                   density.log_joint(x[rank], work[rank], logs[rank]);
                   normalise(logs[rank]);
                   for (std::int64_t i = 0; i < logs[rank].size(); ++i)
                     result.probabilities.row(first)[i] = static_cast<float>(logs[rank].data()[i]);
                 });
  result.labels = argmax_rows(result.probabilities.view());
  return result;
}

Mixture GaussianMixture::mixture() const {
  Mixture mixture = mixture_;
  for (std::int64_t k = 0; k < clusters(); ++k)
    for (std::int64_t d = 0; d < mixture.means.cols(); ++d) mixture.means(k, d) += mean_[d];
  return mixture;
}

TensorMap GaussianMixture::save() const {
  const auto columns = static_cast<std::int64_t>(mean_.size());
  return {{"mean", make_tensor<double>({columns}, mean_)},
          {"cloud", make_tensor<double>({columns}, cloud_)},
          {"weights", make_tensor<double>({clusters()}, mixture_.weights)},
          {"means", make_tensor(mixture_.means)},
          {"covariances", make_tensor(mixture_.covariances)}};
}

void GaussianMixture::load(const TensorMap& tensors) {
  const StoredTensors stored(tensors, "Gaussian mixture");
  mean_ = stored.vector("mean");
  cloud_ = stored.vector("cloud");
  mixture_ = {stored.vector("weights"), stored.matrix("means"), stored.matrix("covariances")};
  const auto columns = mixture_.means.cols();
  const auto shapes = mixture_.covariances.rows();
  if (static_cast<std::int64_t>(mean_.size()) != columns || cloud_.size() != mean_.size() ||
      static_cast<std::int64_t>(mixture_.weights.size()) != clusters() ||
      mixture_.covariances.cols() != columns ||
      (shapes != clusters() && shapes != clusters() * columns))
    throw UserError("the stored Gaussian mixture does not fit together; train it again");
}

}  // namespace coterie
