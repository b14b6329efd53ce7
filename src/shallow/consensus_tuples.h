#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/consensus.h"

namespace coterie {

/// The different tuples of labels that rows have, in the order of their first rows.
struct LabelTuples {
  /// Throws UserError as the consensus functions do.
  LabelTuples(LabelSets sets, std::int64_t clusters);

  std::int64_t tuples() const { return labels.cols(); }
  std::int64_t sets() const { return labels.rows(); }
  /// [N] from a value for each tuple.
  std::vector<std::int32_t> to_rows(const std::vector<std::int32_t>& of_tuple) const;

  Matrix<std::int32_t> labels;             ///< [M, T], each set renumbered 0..clusters[m]-1
  std::vector<std::int64_t> clusters;      ///< [M], clusters that have rows
  std::vector<std::int64_t> offsets;       ///< [M], where a set's clusters begin among all
  std::int64_t all_clusters = 0;           ///< L
  std::vector<double> weights;             ///< [T], rows of a tuple
  std::vector<std::int32_t> tuple_of_row;  ///< [N]
};

}  // namespace coterie
