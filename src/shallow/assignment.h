#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/progress.h"

namespace coterie {

/// Which cluster each row belongs to.
struct Assignment {
  std::vector<std::int32_t> labels;  ///< [N], cluster ids 0..K-1
  Matrix<float> probabilities;       ///< [N, K]; the label is the largest of its row
};

/// Everything around one fit of a shallow method.
struct ShallowContext {
  std::uint64_t seed = 0;
  Progress* progress = nullptr;         ///< may be null
  const CancelToken* cancel = nullptr;  ///< may be null

  void check_cancelled() const {
    if (cancel) cancel->check();
  }
};

/// Throws UserError unless `features` has rows and columns and holds finite numbers only, none
/// above 1e15 in size (their squares would leave the range of a float).
void check_features(ConstFeatures features);

/// check_features, and throws UserError unless 2 <= clusters <= the number of distinct rows, and
/// where all features are below 1e-15 in size (their squares would vanish) but not all 0.
void check_clustering_input(ConstFeatures features, std::int64_t clusters);

/// How many different rows there are; counting stops at `limit`.
std::int64_t count_distinct_rows(ConstFeatures features, std::int64_t limit);

/// A number from the row's values. Rows of equal values have the same one (-0 equals 0).
std::uint64_t hash_of_row(const float* row, std::int64_t columns);

/// Throws UserError where a model trained on `trained` columns is given `given`.
void check_width(std::int64_t trained, std::int64_t given);

/// Index of the largest value in each row; the first of equals.
std::vector<std::int32_t> argmax_rows(MatrixView<const float> probabilities);

/// How many labels each of the clusters 0..clusters-1 has, [clusters].
std::vector<std::int64_t> cluster_sizes(const std::vector<std::int32_t>& labels,
                                        std::int64_t clusters);

/// The same clusters, their labels >= 0 replaced by 0, 1, ... in the order in which they occur
/// first. Two clusterings that differ in their numbers alone become equal.
std::vector<std::int32_t> numbered_by_appearance(std::vector<std::int32_t> labels);

}  // namespace coterie
