#include "coterie/shallow/kmeans.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "coterie/core/random.h"
#include "coterie/shallow/distances.h"
#include "coterie/shallow/kmeans_seeding.h"
#include "coterie/shallow/lloyd.h"
#include "coterie/shallow/mini_batch.h"
#include "coterie/shallow/rows.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

/// k-means++ looks at no more rows than this, or so many for each cluster.
constexpr std::int64_t kSeedingRows = 50000, kSeedingRowsPerCluster = 200;

Matrix<double> seed_centres(ConstFeatures features, const PreparedRows& rows, std::int64_t clusters,
                            RandomStream& stream, const ShallowContext& context) {
  const std::int64_t most = std::max(kSeedingRows, kSeedingRowsPerCluster * clusters);
  if (features.rows <= most) return kmeans_plus_plus(rows, clusters, stream, context);
  const Matrix<float> sample = sample_rows(features, most, stream);
  return kmeans_plus_plus(PreparedRows(sample, rows.mean(), rows.unit_length()), clusters, stream,
                          context);
}

/// Lloyd's iterations until no label changes or the centres stand still. `step` is called after
/// each.
Matrix<double> run_lloyd(Lloyd& lloyd, const KMeansParams& params, int max_iterations,
                         KMeansRestart& record, const std::function<void()>& step) {
  for (int i = 0; i < max_iterations && !record.converged; ++i) {
    const std::int64_t changed = lloyd.assign();
    record.repaired += lloyd.repair_empty();
    const double shift = lloyd.update(params.spherical);
    ++record.iterations;
    record.converged = changed == 0 || shift <= params.tolerance * lloyd.column_variance();
    step();
  }
  record.inertia = lloyd.inertia();
  record.measured += lloyd.measured();
  return lloyd.centres();
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
                "cluster directions: rows and centres of unit length")
          .number("batch_rows", &KMeansParams::batch_rows, between(0, 1e9),
                  "mini-batches of so many rows; 0: every iteration over all rows");
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
    RandomStream stream(context.seed, "k-means", static_cast<std::uint64_t>(restart));
    Matrix<double> centres;
    if (start) {
      centres = *start;
      for (std::int64_t k = 0; k < clusters; ++k)
        for (std::int64_t d = 0; d < centres.cols(); ++d) centres(k, d) -= mean_[d];
    } else {
      centres = seed_centres(features, rows, clusters, stream, context);
    }
    KMeansRestart& record = restarts_[restart];
    const auto step = [&] {
      context.check_cancelled();
      if (context.progress)
        context.progress->update(
            static_cast<std::int64_t>(restart) * params_.max_iterations + record.iterations,
            fmt::format("restart {}, iteration {}", restart + 1, record.iterations));
    };
    int lloyd_iterations = params_.max_iterations;
    if (params_.batch_rows > 0) {
      MiniBatch batches(rows, std::move(centres), params_.batch_rows);
      while (!batches.settled() && batches.rows_seen() < params_.max_iterations * rows.rows()) {
        batches.advance(stream);
        ++record.iterations;
        step();
      }
      centres = batches.centres();
      lloyd_iterations = 1;
    }
    Lloyd lloyd(rows, std::move(centres));
    centres = run_lloyd(lloyd, params_, lloyd_iterations, record, step);
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
