#include "coterie/shallow/spectral.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/shallow/distinct_rows.h"
#include "coterie/shallow/graph_eigenvectors.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/landmark_graph.h"
#include "coterie/shallow/mean_merging.h"
#include "coterie/shallow/neighbour_graph.h"

namespace coterie {
namespace {

/// Beyond this the search for neighbours and the graph take longer than landmarks do by far.
constexpr std::int64_t kGraphRows = 200'000;

std::vector<double> weights_of(const std::vector<Edge>& edges, const Neighbours& neighbours,
                               const SpectralParams& params) {
  std::vector<double> weights(edges.size());
  const std::int64_t scale =
      std::min<std::int64_t>(params.scale_neighbour, neighbours.rows.cols()) - 1;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    const Edge& edge = edges[e];
    if (params.affinity == SpectralAffinity::connectivity) {
      weights[e] = edge.mutual ? 1.0 : 0.5;
    } else {
      const double scales = std::sqrt(static_cast<double>(neighbours.distances(edge.first, scale)) *
                                      neighbours.distances(edge.second, scale));
      // No edge vanishes: a row far from all others stays with its neighbours.
      weights[e] = std::max(1e-12, std::exp(-edge.distance / std::max(scales, 1e-300)));
    }
  }
  return weights;
}

/// Rows of the first `clusters` eigenvectors, of unit length.
Matrix<float> embedding_of(const Matrix<double>& vectors, std::int64_t clusters) {
  Matrix<float> embedding(vectors.rows(), clusters);
  for (std::int64_t i = 0; i < vectors.rows(); ++i) {
    double length = 0;
    for (std::int64_t c = 0; c < clusters; ++c) length += vectors(i, c) * vectors(i, c);
    const double scale = length > 0 ? 1.0 / std::sqrt(length) : 0.0;
    for (std::int64_t c = 0; c < clusters; ++c)
      embedding(i, c) = static_cast<float>(vectors(i, c) * scale);
  }
  return embedding;
}

std::vector<std::int32_t> merge_parts(ConstFeatures rows, std::vector<std::int32_t> parts,
                                      std::int64_t clusters, const ShallowContext& context) {
  const std::int64_t count = *std::max_element(parts.begin(), parts.end()) + 1;
  const auto into = merge_means(means_of_labels(rows, parts, count), cluster_sizes(parts, count),
                                clusters, MergeCost::ward, context);
  for (std::int32_t& part : parts) part = into[part];
  return parts;
}

}  // namespace

const Fields<SpectralParams>& SpectralParams::fields() {
  static const Fields<SpectralParams> fields =
      Fields<SpectralParams>()
          .choice("graph", &SpectralParams::graph,
                  {{"automatic", SpectralGraph::automatic},
                   {"neighbours", SpectralGraph::neighbours},
                   {"landmarks", SpectralGraph::landmarks}},
                  "rows linked to each other or through landmarks; automatic: landmarks above "
                  "200000 rows")
          .number("neighbours", &SpectralParams::neighbours, between(1, 1000),
                  "neighbours of each row in the graph")
          .choice("affinity", &SpectralParams::affinity,
                  {{"connectivity", SpectralAffinity::connectivity},
                   {"self-tuning", SpectralAffinity::self_tuning}},
                  "weights of the edges: 1 and 1/2, or a Gaussian with each row's own scale")
          .number("scale_neighbour", &SpectralParams::scale_neighbour, between(1, 1000),
                  "the neighbour whose distance is a row's scale, with self-tuning")
          .number("landmarks", &SpectralParams::landmarks, between(2, 10000),
                  "k-means centres that stand for the rows")
          .number("landmark_neighbours", &SpectralParams::landmark_neighbours, between(2, 100),
                  "landmarks by which a row is told")
          .number("max_clusters", &SpectralParams::max_clusters, between(2, 1000),
                  "most clusters where their number is to be found")
          .number("restarts", &SpectralParams::restarts, between(1, 10000),
                  "k-means++ starts in the embedding");
  return fields;
}

std::int64_t clusters_by_eigengap(std::span<const double> eigenvalues) {
  if (eigenvalues.size() < 3)
    throw UserError(
        "{} eigenvalues were given: allowed is 3 or more, to see a gap after the second",
        eigenvalues.size());
  std::size_t best = 2;
  for (std::size_t k = 3; k < eigenvalues.size(); ++k)
    if (eigenvalues[k] - eigenvalues[k - 1] > eigenvalues[best] - eigenvalues[best - 1]) best = k;
  return static_cast<std::int64_t>(best);
}

Spectral::Spectral(SpectralParams params) : params_(params) { params_.validate(); }

Assignment Spectral::fit(ConstFeatures features, std::int64_t clusters,
                         const ShallowContext& context) {
  check_clustering_input(features, clusters == 0 ? 2 : clusters);
  const DistinctRows distinct(features);
  const ConstFeatures rows = distinct.features();
  const std::int64_t wanted =
      std::min(rows.rows, (clusters == 0 ? params_.max_clusters : clusters) + 1);
  const bool by_landmarks = params_.graph == SpectralGraph::landmarks ||
                            (params_.graph == SpectralGraph::automatic && rows.rows > kGraphRows);
  GraphEigenvectors found;
  std::vector<std::int32_t> parts;
  std::int64_t part_count = 1;
  if (by_landmarks) {
    const std::int64_t landmarks =
        std::min(rows.rows, std::max<std::int64_t>(params_.landmarks, 2 * wanted));
    found = landmark_eigenvectors(
        rows, {landmarks, std::min<std::int64_t>(params_.landmark_neighbours, landmarks)}, wanted,
        context);
  } else {
    const Neighbours neighbours = nearest_neighbours(
        rows, std::min<std::int64_t>(params_.neighbours, rows.rows - 1), {}, context);
    const std::vector<Edge> edges = neighbour_edges(neighbours);
    DisjointSets sets(rows.rows);
    for (const Edge& edge : edges) sets.join(edge.first, edge.second);
    part_count = sets.sets();
    parts = sets.labels();
    const NeighbourGraph graph(rows.rows, edges, weights_of(edges, neighbours, params_));
    found = smallest_laplacian_eigenvectors(graph, wanted, context);
  }
  eigenvalues_ = found.eigenvalues;
  if (clusters == 0) {
    // Parts of the graph are clusters, as many of them as are looked for.
    clusters = part_count >= wanted       ? std::max<std::int64_t>(2, wanted - 1)
               : eigenvalues_.size() >= 3 ? clusters_by_eigengap(eigenvalues_)
                                          : 2;
  }
  std::vector<std::int32_t> labels;
  if (part_count > clusters) {
    labels = merge_parts(rows, std::move(parts), clusters, context);
  } else {
    const Matrix<float> embedding = embedding_of(found.vectors, clusters);
    labels = KMeans({.restarts = params_.restarts}).fit(embedding, clusters, context).labels;
  }
  model_ = LabelledRows(features, distinct.expand(labels), clusters);
  return model_.predict(features);
}

}  // namespace coterie
