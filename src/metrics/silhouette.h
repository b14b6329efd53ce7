#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/progress.h"
#include "coterie/core/random.h"

namespace coterie {

// Silhouette (Rousseeuw 1987), Euclidean: an item with mean distance a to the others of its cluster
// and b to the nearest other cluster scores (b - a) / max(a, b), in [-1, 1]; 0 where it is alone in
// its cluster, or where a and b are both 0. Labels are non-negative, gaps allowed.
//
// All functions throw UserError where features [N, D] and labels [N] differ in length, a feature is
// infinite or not a number, a label is negative or fewer than two clusters have items; Interrupted
// where `cancel` is set.

/// The score of each item, [N]. O(N^2 D) time on all threads, O(N + D) memory: no N x N matrix.
std::vector<double> silhouette_samples(ConstFeatures features, std::span<const std::int32_t> labels,
                                       const CancelToken* cancel = nullptr);

/// The mean score of all items, exact.
double silhouette(ConstFeatures features, std::span<const std::int32_t> labels,
                  const CancelToken* cancel = nullptr);

/// The mean score, estimated from about `sample` items (at least 2), or two of each cluster where
/// these are more, in the square of their number times D. Each cluster gives its share of the
/// sample, at least two items where it has them, drawn without replacement, and counts with its
/// true size; so small clusters are not lost. Equal to
/// `silhouette` where `sample` is N or more.
double sampled_silhouette(ConstFeatures features, std::span<const std::int32_t> labels,
                          std::int64_t sample, RandomStream& random,
                          const CancelToken* cancel = nullptr);

}  // namespace coterie
