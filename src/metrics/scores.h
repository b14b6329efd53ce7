#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

// How well labels (clusters) agree with ground truth (classes). Both are vectors of N non-negative
// numbers, gaps allowed. Every function here is O(N) plus work on the table of clusters by
// classes, exact for more than 10 million items, and throws UserError where the lengths differ or
// are 0, a label is negative, or there are more than 2^26 pairs of a cluster and a class.

/// ACC: the share of items that are right under the best one-to-one matching of clusters and
/// classes (Hungarian, on a square table of size max(clusters, classes)). In (0, 1].
double accuracy(std::span<const std::int32_t> labels, std::span<const std::int32_t> truth);

/// The class of each cluster 0..max(labels) in the matching that `accuracy` uses; -1 for a cluster
/// that is empty, is left over, or shares no item with the class that is left for it.
std::vector<std::int32_t> best_matching(std::span<const std::int32_t> labels,
                                        std::span<const std::int32_t> truth);

/// What the mutual information is divided by: the mean of the two entropies, or the root of their
/// product.
enum class NmiMean { arithmetic, geometric };

/// NMI, natural logarithms (the base cancels), in [0, 1]. 1 where both sides are one single group,
/// 0 where only one side is.
double normalized_mutual_information(std::span<const std::int32_t> a,
                                     std::span<const std::int32_t> b,
                                     NmiMean mean = NmiMean::arithmetic);

/// ARI (Hubert and Arabie 1985), in [-0.5, 1]: pairs of items that both sides treat alike, less
/// what chance gives. 1 for equal groupings, single groups included; 0 where one side alone is a
/// single group.
double adjusted_rand_index(std::span<const std::int32_t> a, std::span<const std::int32_t> b);

/// The share of items that belong to the largest class of their cluster. In (0, 1].
double purity(std::span<const std::int32_t> labels, std::span<const std::int32_t> truth);

/// Classes against the clusters that are not empty.
struct Confusion {
  Matrix<std::int64_t> counts;         ///< [classes, columns], classes 0..max(truth)
  std::vector<std::int32_t> clusters;  ///< [columns], the cluster of each column
  std::vector<std::int32_t> columns;   ///< [classes], where a class's own cluster stands; -1: none

  /// The cluster that is matched to a class; -1 where none is.
  std::int32_t cluster_of(std::int64_t of_class) const {
    return columns[of_class] < 0 ? -1 : clusters[columns[of_class]];
  }
  /// How many items of a class are right, in its own cluster.
  std::int64_t right(std::int64_t of_class) const {
    return columns[of_class] < 0 ? 0 : counts(of_class, columns[of_class]);
  }
};

/// The confusion matrix under `best_matching`. Clusters that are matched stand in the order of
/// their classes, so that where all are the right items are on the diagonal; the others follow in
/// their own order.
Confusion confusion_matrix(std::span<const std::int32_t> labels,
                           std::span<const std::int32_t> truth);

/// The figures that a run reports together.
struct Scores {
  double acc = 0.0;
  double nmi = 0.0;  ///< arithmetic
  double ari = 0.0;
  double purity = 0.0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::vector<std::int64_t> cluster_sizes;  ///< [k], zeros where a cluster is empty
};

/// All scores of labels in 0..clusters-1. Throws also where a label is not below `clusters`.
Scores score(std::span<const std::int32_t> labels, std::span<const std::int32_t> truth,
             std::int64_t clusters);

}  // namespace coterie
