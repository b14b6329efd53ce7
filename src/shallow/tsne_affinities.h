#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/neighbours.h"

namespace coterie {

/// How alike each row is to its neighbours, p_(j|i) = exp(-b_i |x_i - x_j|^2) / sum_l exp(-b_i |x_i
/// - x_l|^2) over the neighbours alone (van der Maaten 2014, section 4.1): [N, count], each row
/// sums to 1. b_i is such that the perplexity exp(-sum_j p_(j|i) log p_(j|i)) is the asked one, to
/// 1e-5 of itself. Where ties make that impossible (more equal rows than the perplexity), all
/// weight is on the nearest, in equal shares. `squared_distances` is [N, count], rising in a row.
Matrix<float> conditional_affinities(MatrixView<const float> squared_distances, double perplexity);

/// Joint affinities p_ij = (p_(j|i) + p_(i|j)) / 2N, a sparse symmetric matrix [N, N] whose entries
/// sum to 1, both halves stored row after row. Each row takes a multiple of kLanes entries: it is
/// filled up with entries of value 0 on the diagonal, so that loops need no remainder.
struct Affinities {
  static constexpr std::int64_t kLanes = 8;

  /// `conditional` [N, count] goes with `neighbours`. O(N count) memory.
  Affinities(const Neighbours& neighbours, const Matrix<float>& conditional);

  std::int64_t rows() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  /// sum_ij p_ij log p_ij, which the divergence takes its constant part from.
  double negative_entropy() const;

  std::vector<std::int64_t> offsets;  ///< [N + 1], where a row's entries begin
  std::vector<std::int32_t, CacheLineAllocator<std::int32_t>> columns;  ///< of each entry
  std::vector<float, CacheLineAllocator<float>> values;                 ///< of each entry
};

/// Joint affinities of the rows [N, D] from 3 `perplexity` nearest neighbours of each (Euclidean).
/// `perplexity` is 1 at least. Throws UserError for fewer than four rows and unless 3 perplexity <
/// N, Interrupted when cancelled.
Affinities affinities_of_rows(ConstFeatures rows, double perplexity,
                              const ShallowContext& context = {});

}  // namespace coterie
