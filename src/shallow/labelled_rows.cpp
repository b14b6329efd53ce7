#include "coterie/shallow/labelled_rows.h"

#include <algorithm>
#include <ranges>

#include "coterie/core/parallel.h"
#include "coterie/shallow/distances.h"
#include "coterie/shallow/row_search.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

constexpr float kOnLabel = 0.51f;

}  // namespace

LabelledRows::LabelledRows(ConstFeatures rows, std::vector<std::int32_t> labels,
                           std::int64_t clusters)
    : rows_(rows.rows, rows.cols), labels_(std::move(labels)), means_(clusters, rows.cols) {
  std::copy_n(rows.data, rows.size(), rows_.data());
  index_rows();
  for (std::int64_t i = 0; i < rows.rows; ++i) labels_[i] = labels_[find_equal(rows.row(i))];
  std::vector<double> sizes(static_cast<std::size_t>(clusters));
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    sizes[labels_[i]] += 1;
    double* mean = means_.row(labels_[i]);
    for (std::int64_t d = 0; d < rows.cols; ++d) mean[d] += rows(i, d);
  }
  for (std::int64_t k = 0; k < clusters; ++k)
    for (std::int64_t d = 0; d < rows.cols; ++d) means_(k, d) /= std::max(sizes[k], 1.0);
}

void LabelledRows::index_rows() {
  index_.resize(static_cast<std::size_t>(rows_.rows()));
  parallel_for(rows_.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      index_[i] = {hash_of_row(rows_.row(i), rows_.cols()), i};
  });
  std::sort(index_.begin(), index_.end());
}

std::int64_t LabelledRows::find_equal(const float* row) const {
  const std::uint64_t hash = hash_of_row(row, rows_.cols());
  for (auto entry =
           std::lower_bound(index_.begin(), index_.end(), std::pair{hash, std::int64_t{0}});
       entry != index_.end() && entry->first == hash; ++entry)
    if (std::equal(row, row + rows_.cols(), rows_.row(entry->second))) return entry->second;
  return -1;
}

Assignment LabelledRows::predict(ConstFeatures features) const {
  if (labels_.empty()) throw UserError("this model is not trained: call fit or load first");
  check_width(rows_.cols(), features.cols);
  Assignment result{std::vector<std::int32_t>(static_cast<std::size_t>(features.rows), -1),
                    Matrix<float>(features.rows, clusters())};
  parallel_for(features.rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      if (const std::int64_t equal = find_equal(features.row(i)); equal >= 0)
        result.labels[i] = labels_[equal];
  });
  std::vector<std::int64_t> unknown;
  for (std::int64_t i = 0; i < features.rows; ++i)
    if (result.labels[i] < 0) unknown.push_back(i);
  if (!unknown.empty()) {
    Matrix<float> queries(static_cast<std::int64_t>(unknown.size()), features.cols);
    for (std::size_t q = 0; q < unknown.size(); ++q)
      std::copy_n(features.row(unknown[q]), features.cols, queries.row(q));
    const auto nearest = nearest_rows(queries, rows_.view(), 1);
    for (std::size_t q = 0; q < unknown.size(); ++q)
      result.labels[unknown[q]] = labels_[nearest.rows(static_cast<std::int64_t>(q), 0)];
  }
  closeness_to_centres(PreparedRows(features, std::vector<double>(features.cols), false), means_,
                       result.probabilities);
  for (std::int64_t i = 0; i < features.rows; ++i) {
    for (float& p : result.probabilities.view().row_span(i)) p *= 1.0f - kOnLabel;
    result.probabilities(i, result.labels[i]) += kOnLabel;
  }
  return result;
}

TensorMap LabelledRows::save() const {
  return {{"rows", make_tensor(rows_)},
          {"labels", make_tensor<std::int32_t>({rows_.rows()}, labels_)},
          {"means", make_tensor(means_)}};
}

LabelledRows LabelledRows::load(const TensorMap& tensors, std::string_view model) {
  const StoredTensors stored(tensors, model);
  LabelledRows result;
  result.rows_ = stored.float_matrix("rows");
  result.labels_ = stored.labels("labels");
  result.means_ = stored.matrix("means");
  const auto in_range = [&](std::int32_t label) {
    return label >= 0 && label < result.means_.rows();
  };
  if (result.means_.cols() != result.rows_.cols() ||
      static_cast<std::int64_t>(result.labels_.size()) != result.rows_.rows() ||
      !std::ranges::all_of(result.labels_, in_range))
    throw UserError("the stored {} model does not fit together; train it again", model);
  result.index_rows();
  return result;
}

}  // namespace coterie
