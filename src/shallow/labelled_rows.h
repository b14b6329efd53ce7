#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

/// Rows with the labels that a method found for them, and with it labels for new rows: that of the
/// nearest of them (Euclidean). The model of methods that give labels and no rule for new rows
/// (agglomerative, spectral, FINCH, RCC). It keeps a copy of the rows: O(N D) memory.
///
/// The probabilities put 0.51 on the label and share 0.49 by closeness to the clusters' means,
/// p_k ~ 1 / |x - mean_k|^2: the label is always the largest, and typical rows stand before odd
/// ones.
class LabelledRows {
 public:
  LabelledRows() = default;
  /// `labels` [N] in 0..clusters-1. Equal rows all take the label of the first of them.
  LabelledRows(ConstFeatures rows, std::vector<std::int32_t> labels, std::int64_t clusters);

  /// Rows [M, D]. A row that equals a kept one gets that one's label without a search; the others
  /// cost O(N D) each. Throws UserError where D is another, or before there are rows.
  Assignment predict(ConstFeatures features) const;

  std::int64_t clusters() const { return means_.rows(); }
  const std::vector<std::int32_t>& labels() const { return labels_; }

  TensorMap save() const;
  /// `model` is what messages call the method.
  static LabelledRows load(const TensorMap& tensors, std::string_view model);

 private:
  void index_rows();
  /// The first kept row that equals this one; -1 where there is none.
  std::int64_t find_equal(const float* row) const;

  Matrix<float> rows_;                // [N, D]
  std::vector<std::int32_t> labels_;  // [N]
  Matrix<double> means_;              // [K, D]; zeros for a cluster without rows
  std::vector<std::pair<std::uint64_t, std::int64_t>> index_;  // hash and row, sorted
};

}  // namespace coterie
