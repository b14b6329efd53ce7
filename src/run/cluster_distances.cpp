#include "coterie/run/cluster_distances.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "coterie/core/parallel.h"

namespace coterie {

const char* name_of(DistanceKind kind) {
  return kind == DistanceKind::cosine ? "cosine" : "euclidean";
}

ClusterDistances::ClusterDistances(DistanceKind kind, ConstFeatures rows,
                                   std::span<const std::int32_t> labels, std::int64_t clusters,
                                   double percentile)
    : kind_(kind),
      means_(clusters, rows.cols),
      lengths_(static_cast<std::size_t>(clusters), std::numeric_limits<double>::quiet_NaN()),
      thresholds_(lengths_) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(clusters));
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    ++sizes[labels[i]];
    double* mean = means_.row(labels[i]);
    for (std::int64_t d = 0; d < rows.cols; ++d) mean[d] += rows(i, d);
  }
  for (std::int64_t k = 0; k < clusters; ++k) {
    if (sizes[k] == 0) continue;
    double squares = 0;
    for (std::int64_t d = 0; d < rows.cols; ++d) {
      means_(k, d) /= static_cast<double>(sizes[k]);
      squares += means_(k, d) * means_(k, d);
    }
    lengths_[k] = std::sqrt(squares);
  }
  std::vector<double> distances(static_cast<std::size_t>(rows.rows));
  parallel_for(rows.rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) distances[i] = distance(rows.row(i), labels[i]);
  });
  std::vector<std::vector<double>> of_cluster(sizes.size());
  for (std::int64_t i = 0; i < rows.rows; ++i) of_cluster[labels[i]].push_back(distances[i]);
  for (std::size_t k = 0; k < of_cluster.size(); ++k) {
    auto& sorted = of_cluster[k];
    if (sorted.empty()) continue;
    std::sort(sorted.begin(), sorted.end());
    const double rank = std::ceil(percentile / 100 * static_cast<double>(sorted.size()));
    thresholds_[k] = sorted[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
  }
}

double ClusterDistances::distance(const float* row, std::int32_t label) const {
  const double* mean = means_.row(label);
  const double length = lengths_[label];
  if (std::isnan(length)) return length;
  double product = 0, squares = 0, apart = 0;
  for (std::int64_t d = 0; d < cols(); ++d) {
    const double value = row[d], difference = value - mean[d];
    product += value * mean[d];
    squares += value * value;
    apart += difference * difference;
  }
  if (kind_ == DistanceKind::euclidean) return std::sqrt(apart);
  const double lengths = std::sqrt(squares) * length;
  return lengths > 0 ? 1 - product / lengths : 1;
}

}  // namespace coterie
