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

/// Throws UserError unless `features` has rows and columns, holds finite numbers only, and
/// 2 <= clusters <= rows.
void check_clustering_input(ConstFeatures features, std::int64_t clusters);

/// Throws UserError where a model trained on `trained` columns is given `given`.
void check_width(std::int64_t trained, std::int64_t given);

/// Index of the largest value in each row; the first of equals.
std::vector<std::int32_t> argmax_rows(MatrixView<const float> probabilities);

}  // namespace coterie
