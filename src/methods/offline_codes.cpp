#include "coterie/methods/offline_codes.h"

#include "coterie/metrics/assignment.h"
#include "coterie/nn/tensors.h"

namespace coterie {

OfflineCodes::OfflineCodes(std::int64_t images, std::int64_t clusters)
    : codes_(register_buffer("codes", torch::zeros({images, clusters}))) {}

void OfflineCodes::renew(const Matrix<float>& codes, const Matrix<float>& now,
                         EmbeddingClusterer clusterer, double variance, const FitContext& context) {
  EmbeddingClusterParams params;
  params.embedding = EmbeddingForm::whitened;
  params.variance = variance;
  params.cluster = clusterer;
  const FitContext silent = context.silent();
  const Clustering found = EmbeddingClusters(params).fit(codes, silent);
  const auto numbers = matched_clusters(argmax_rows(now), found.labels, now.cols());
  auto values = torch::empty({codes_.size(0), codes_.size(1)});
  for (std::int64_t i = 0; i < now.rows(); ++i) {
    float* row = values.data_ptr<float>() + i * now.cols();
    // k-means assigns for certain.
    for (std::int64_t k = 0; k < now.cols(); ++k)
      row[numbers[k]] = clusterer == EmbeddingClusterer::kmeans ? (found.labels[i] == k ? 1.f : 0.f)
                                                                : found.probabilities(i, k);
  }
  codes_.copy_(values);
}

torch::Tensor OfflineCodes::of(const std::vector<std::int64_t>& images) const {
  return rows_of(codes_, images);
}

}  // namespace coterie
