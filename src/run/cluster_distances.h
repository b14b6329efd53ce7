#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

enum class DistanceKind {
  cosine,     ///< 1 - the cosine to the cluster's mean, 0 to 2
  euclidean,  ///< to the cluster's mean
};
const char* name_of(DistanceKind kind);

/// How far rows lie from the mean of a cluster's training rows, and from where on that is farther
/// than nearly all of these.
class ClusterDistances {
 public:
  /// Of the training rows [N, D] and their labels in 0..clusters-1. O(N D) time. `percentile` (0 to
  /// 100, above 0) of a cluster's training rows are no outliers: the smallest distance that so many
  /// of them do not exceed is the threshold.
  ClusterDistances(DistanceKind kind, ConstFeatures rows, std::span<const std::int32_t> labels,
                   std::int64_t clusters, double percentile);

  DistanceKind kind() const { return kind_; }
  std::int64_t cols() const { return means_.cols(); }
  /// NaN for a cluster without training rows. A row of zeros has no direction: its cosine is 0.
  double distance(const float* row, std::int32_t label) const;
  /// NaN for a cluster without training rows.
  double threshold(std::int32_t label) const { return thresholds_[label]; }
  bool is_outlier(double distance, std::int32_t label) const {
    return distance > thresholds_[label];
  }

 private:
  DistanceKind kind_;
  Matrix<double> means_;         // [K, D]
  std::vector<double> lengths_;  // of the means
  std::vector<double> thresholds_;
};

}  // namespace coterie
