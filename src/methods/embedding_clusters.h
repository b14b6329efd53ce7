#pragma once

#include <nlohmann/json.hpp>
#include <variant>

#include "coterie/core/params.h"
#include "coterie/methods/method.h"
#include "coterie/shallow/fuzzy_cmeans.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/pac.h"
#include "coterie/shallow/spectral.h"
#include "coterie/shallow/whitening.h"

namespace coterie {

enum class EmbeddingClusterer { pac, kmeans, fcm, spectral };
/// What is clustered: the embeddings as they are, or with their covariance made the identity.
enum class EmbeddingForm { plain, whitened };

/// Share of their variance that whitened embeddings of contrastively trained networks hold, unless
/// a parameter says otherwise: the components beyond it are mostly noise.
inline constexpr double kEmbeddingVariance = 0.93;

/// The part of a method's parameters that says how its embeddings are clustered.
struct EmbeddingClusterParams {
  EmbeddingForm embedding = EmbeddingForm::plain;
  double variance = 1;  ///< share of it that whitened embeddings hold
  PacDistance distance = PacDistance::cosine;
  EmbeddingClusterer cluster = EmbeddingClusterer::pac;
  int restarts = 10;
};

/// Adds their description to that of `Params`, which derives from them.
template <class Params>
void add_embedding_cluster_fields(Fields<Params>& fields) {
  fields
      .template choice<EmbeddingForm>(
          "embedding", &Params::embedding,
          {{"plain", EmbeddingForm::plain}, {"whitened", EmbeddingForm::whitened}},
          "what is clustered: embeddings as they are, or with their covariance made the identity")
      .template number<double>(
          "variance", &Params::variance, Range{.low = 0, .high = 1, .low_open = true},
          "whitened: only the first principal components, which hold this share of it")
      .template choice<PacDistance>(
          "distance", &Params::distance,
          {{"cosine", PacDistance::cosine}, {"sqeuclidean", PacDistance::sqeuclidean}},
          "between embeddings; k-means and spectral take unit vectors under cosine")
      .template choice<EmbeddingClusterer>("cluster", &Params::cluster,
                                           {{"pac", EmbeddingClusterer::pac},
                                            {"kmeans", EmbeddingClusterer::kmeans},
                                            {"fcm", EmbeddingClusterer::fcm},
                                            {"spectral", EmbeddingClusterer::spectral}},
                                           "what clusters the embeddings")
      .template number<int>("restarts", &Params::restarts, between(1, 1000),
                            "starts of the clustering; the best objective is kept")
      .only_with("embedding", {"whitened"}, {"variance"});
}

/// The last step of methods that learn an embedding: (whitening and) PAC, k-means, fuzzy c-means
/// or spectral clustering of its rows, for a given or a found number of clusters.
class EmbeddingClusters {
 public:
  EmbeddingClusters() = default;
  explicit EmbeddingClusters(const EmbeddingClusterParams& params) : params_(params) {}

  /// Clusters rows [N, E] into `context.clusters` groups, 0: as many as it finds.
  Clustering fit(Matrix<float> rows, const FitContext& context);
  Clustering predict(Matrix<float> rows) const;

  TensorMap save() const;
  void load(const TensorMap& tensors);
  /// What the clustering says of itself, and why there are so many clusters.
  const nlohmann::json& statistics() const { return statistics_; }

 private:
  using Clusterer = std::variant<Pac, KMeans, FuzzyCMeans, Spectral>;
  Clusterer fresh(int most_clusters = 20) const;
  Matrix<float> formed(Matrix<float> rows) const;
  /// What the clusterer sees of formed rows: they, or (in `unit`) vectors of unit length where the
  /// distance is cosine and the clusterer has none of its own.
  ConstFeatures seen(const Matrix<float>& rows, Matrix<float>& unit) const;

  EmbeddingClusterParams params_;
  Whitening whitening_;
  Clusterer clusterer_;
  nlohmann::json statistics_ = nlohmann::json::object();
};

}  // namespace coterie
