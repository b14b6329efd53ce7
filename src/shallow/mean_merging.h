#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

/// Means of the rows [N, D] that carry each label 0..clusters-1, summed in double; [K, D].
Matrix<float> means_of_labels(ConstFeatures features, const std::vector<std::int32_t>& labels,
                              std::int64_t clusters);

/// What a merge costs, and so which pair goes first.
enum class MergeCost {
  centroid,         ///< |a - b|^2 of the means
  cosine_centroid,  ///< |a - b|^2 of the means' unit vectors
  ward,             ///< n_a n_b / (n_a + n_b) |a - b|^2, the rise of the sum of squares
};

/// Merges the cheapest two of the clusters until `target` are left; a merged cluster has the mean
/// of both by their sizes. O(C^2 D) for the first pairs and O(C D) a merge. Returns the new
/// cluster of each old one, [C], numbered by first appearance.
std::vector<std::int32_t> merge_means(Matrix<float> means, std::vector<std::int64_t> sizes,
                                      std::int64_t target, MergeCost cost,
                                      const ShallowContext& context = {});

}  // namespace coterie
