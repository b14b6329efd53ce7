#include "coterie/methods/embedding_clusters.h"

#include <utility>

#include "coterie/methods/deep_context.h"
#include "coterie/methods/shallow_statistics.h"
#include "coterie/shallow/cluster_count.h"

namespace coterie {

KMeansParams EmbeddingClusters::kmeans_params() const {
  return {.restarts = params_.restarts, .spherical = params_.distance == PacDistance::cosine};
}

PacParams EmbeddingClusters::pac_params() const {
  return {.distance = params_.distance, .restarts = params_.restarts};
}

Matrix<float> EmbeddingClusters::formed(Matrix<float> rows) const {
  return params_.embedding == EmbeddingForm::whitened ? whitening_.apply(rows) : std::move(rows);
}

Clustering EmbeddingClusters::fit(Matrix<float> rows, const FitContext& context) {
  if (params_.embedding == EmbeddingForm::whitened) whitening_.fit(rows, params_.variance);
  Clustering result;
  result.embeddings = formed(std::move(rows));
  const ShallowContext around{context.seed, context.progress, context.cancel};
  std::int64_t clusters = context.clusters;
  if (clusters == 0) {
    const auto cluster = [&](ConstFeatures part, std::int64_t count, std::uint64_t seed) {
      const ShallowContext quiet{.seed = seed, .cancel = context.cancel};
      return params_.cluster == EmbeddingClusterer::kmeans
                 ? KMeans(kmeans_params()).fit(part, count, quiet).labels
                 : Pac(pac_params()).fit(part, count, quiet).labels;
    };
    const ClusterCountChoice choice = choose_cluster_count(
        result.embeddings, cluster, {.most = context.most_clusters}, around);
    clusters = choice.clusters;
    statistics_["cluster_count"] = cluster_count_json(choice);
  }
  Assignment& found = result;
  if (params_.cluster == EmbeddingClusterer::kmeans) {
    kmeans_ = KMeans(kmeans_params());
    found = kmeans_.fit(result.embeddings, clusters, around);
    statistics_["inertia"] = kmeans_.restarts()[kmeans_.chosen_restart()].inertia;
  } else {
    pac_ = Pac(pac_params());
    found = pac_.fit(result.embeddings, clusters, around);
    statistics_["objective"] = pac_.objective();
  }
  return result;
}

Clustering EmbeddingClusters::predict(Matrix<float> rows) const {
  Clustering result;
  result.embeddings = formed(std::move(rows));
  Assignment& found = result;
  found = params_.cluster == EmbeddingClusterer::kmeans ? kmeans_.predict(result.embeddings)
                                                        : pac_.predict(result.embeddings);
  return result;
}

TensorMap EmbeddingClusters::save() const {
  TensorMap tensors;
  if (params_.embedding == EmbeddingForm::whitened)
    add_under("whitening/", whitening_.save(), tensors);
  add_under("clusters/",
            params_.cluster == EmbeddingClusterer::pac ? pac_.save() : kmeans_.save(), tensors);
  return tensors;
}

void EmbeddingClusters::load(const TensorMap& tensors) {
  if (params_.embedding == EmbeddingForm::whitened)
    whitening_.load(tensors_under("whitening/", tensors));
  const TensorMap clusters = tensors_under("clusters/", tensors);
  if (params_.cluster == EmbeddingClusterer::pac) {
    pac_ = Pac(pac_params());
    pac_.load(clusters);
  } else {
    kmeans_ = KMeans(kmeans_params());
    kmeans_.load(clusters);
  }
}

}  // namespace coterie
