#include "coterie/methods/embedding_clusters.h"

#include <utility>
#include <vector>

#include "coterie/methods/deep_context.h"
#include "coterie/methods/shallow_statistics.h"
#include "coterie/shallow/cluster_count.h"
#include "coterie/shallow/rows.h"

namespace coterie {
namespace {

/// Of fuzzy c-means on what networks give (Yan, Lu, Yan 2024, section 4.1).
constexpr double kFuzziness = 1.05;

}  // namespace

EmbeddingClusters::Clusterer EmbeddingClusters::fresh(int most_clusters) const {
  switch (params_.cluster) {
    case EmbeddingClusterer::kmeans:
      return KMeans(
          {.restarts = params_.restarts, .spherical = params_.distance == PacDistance::cosine});
    case EmbeddingClusterer::fcm:
      return FuzzyCMeans({.m = kFuzziness,
                          .distance = params_.distance == PacDistance::cosine
                                          ? FuzzyDistance::cosine
                                          : FuzzyDistance::sqeuclidean,
                          .restarts = params_.restarts});
    case EmbeddingClusterer::spectral:
      return Spectral({.max_clusters = most_clusters, .restarts = params_.restarts});
    case EmbeddingClusterer::pac:
      break;
  }
  return Pac({.distance = params_.distance, .restarts = params_.restarts});
}

Matrix<float> EmbeddingClusters::formed(Matrix<float> rows) const {
  return params_.embedding == EmbeddingForm::whitened ? whitening_.apply(rows) : std::move(rows);
}

ConstFeatures EmbeddingClusters::seen(const Matrix<float>& rows, Matrix<float>& unit) const {
  if (params_.cluster != EmbeddingClusterer::spectral || params_.distance != PacDistance::cosine)
    return rows;
  const std::vector<double> nothing(static_cast<std::size_t>(rows.cols()));
  const PreparedRows prepared(rows, nothing, /*unit_length=*/true);
  unit = Matrix<float>(rows.rows(), rows.cols());
  for (std::int64_t i = 0; i < rows.rows(); ++i) prepared.load(i, unit.row(i));
  return unit;
}

Clustering EmbeddingClusters::fit(Matrix<float> rows, const FitContext& context) {
  if (params_.embedding == EmbeddingForm::whitened) whitening_.fit(rows, params_.variance);
  Clustering result;
  result.embeddings = formed(std::move(rows));
  Matrix<float> unit;
  const ConstFeatures taken = seen(result.embeddings, unit);
  const ShallowContext around{context.seed, context.progress, context.cancel};
  clusterer_ = fresh(static_cast<int>(context.most_clusters));
  std::int64_t clusters = context.clusters;
  // Spectral clustering finds their number itself.
  if (clusters == 0 && params_.cluster != EmbeddingClusterer::spectral) {
    const auto cluster = [&](ConstFeatures part, std::int64_t count, std::uint64_t seed) {
      Clusterer tried = fresh();
      const ShallowContext quiet{.seed = seed, .cancel = context.cancel};
      return std::visit([&](auto& one) { return one.fit(part, count, quiet).labels; }, tried);
    };
    const ClusterCountChoice choice =
        choose_cluster_count(taken, cluster, {.most = context.most_clusters}, around);
    clusters = choice.clusters;
    statistics_["cluster_count"] = cluster_count_json(choice);
  }
  Assignment& found = result;
  std::visit(
      [&](auto& clusterer) {
        found = clusterer.fit(taken, clusters, around);
        statistics_.update(statistics_of(clusterer));
        if constexpr (requires { cluster_count_json(clusterer); })
          if (clusters == 0) statistics_["cluster_count"] = cluster_count_json(clusterer);
      },
      clusterer_);
  return result;
}

Clustering EmbeddingClusters::predict(Matrix<float> rows) const {
  Clustering result;
  result.embeddings = formed(std::move(rows));
  Matrix<float> unit;
  const ConstFeatures taken = seen(result.embeddings, unit);
  Assignment& found = result;
  found = std::visit([&](const auto& clusterer) { return clusterer.predict(taken); }, clusterer_);
  return result;
}

TensorMap EmbeddingClusters::save() const {
  TensorMap tensors;
  if (params_.embedding == EmbeddingForm::whitened)
    add_under("whitening/", whitening_.save(), tensors);
  add_under("clusters/", std::visit([](const auto& one) { return one.save(); }, clusterer_),
            tensors);
  return tensors;
}

void EmbeddingClusters::load(const TensorMap& tensors) {
  if (params_.embedding == EmbeddingForm::whitened)
    whitening_.load(tensors_under("whitening/", tensors));
  clusterer_ = fresh();
  std::visit([&](auto& one) { one.load(tensors_under("clusters/", tensors)); }, clusterer_);
}

}  // namespace coterie
