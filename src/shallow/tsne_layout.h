#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/random.h"
#include "coterie/shallow/tsne.h"

namespace coterie {

struct LayoutParams {
  TsneParams tsne;
  std::int64_t most = 100'000;  ///< rows that t-SNE lays out; the others are placed among them

  /// Those of t-SNE, and `most`.
  static const Fields<LayoutParams>& fields();
  void validate() const;
};

struct Layout {
  Matrix<float> positions;           ///< [N, 2]
  std::vector<std::int64_t> placed;  ///< rows that t-SNE did not lay out, rising
  std::vector<TsneStep> steps;       ///< of t-SNE
};

/// A layout of any number of rows [N, D]. Up to `most` of them by t-SNE; of more, a sample by
/// clusters (see stratified_sample; `labels` is [N], or empty for one cluster), and the others by
/// place_rows. Throws UserError on bad rows and where the perplexity does not suit the laid out
/// rows, Interrupted when cancelled.
Layout lay_out_rows(ConstFeatures rows, std::span<const std::int32_t> labels,
                    const LayoutParams& params, const ShallowContext& context = {});

/// Positions [M, 2] of new rows [M, D] in a layout: `positions` [N, 2] of the rows [N, D]. A new
/// row lies at the mean of its nearest fifteen rows' positions, weighted by its affinities to them
/// of perplexity five; one that equals laid out rows lies on them (at their mean). The layout stays
/// as it is. Throws UserError where D differs or there is no row, Interrupted when cancelled.
Matrix<float> place_rows(ConstFeatures new_rows, ConstFeatures rows,
                         MatrixView<const float> positions, const ShallowContext& context = {});

/// `count` of the items 0..N-1, rising, drawn without replacement so that each label has its share
/// of them: count N_k / N, rounded so that the sum is right, largest remainders first.
std::vector<std::int64_t> stratified_sample(std::span<const std::int32_t> labels,
                                            std::int64_t count, RandomStream& stream);

}  // namespace coterie
