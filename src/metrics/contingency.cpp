#include "coterie/metrics/contingency.h"

#include <algorithm>

#include "coterie/core/error.h"

namespace coterie {
namespace {

constexpr std::int64_t kMostCells = std::int64_t{1} << 26;

/// The largest label; checks them on the way.
std::int64_t largest_label(std::span<const std::int32_t> labels) {
  if (labels.empty()) throw UserError("there are no labels to score; give at least one");
  const auto [low, high] = std::minmax_element(labels.begin(), labels.end());
  if (*low < 0)
    throw UserError("label {} at position {} is negative; labels must be 0 or greater", *low,
                    low - labels.begin());
  return *high;
}

}  // namespace

void check_same_length(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  if (a.size() != b.size())
    throw UserError("the two label sets differ in length: {} and {}; give one label for each item",
                    a.size(), b.size());
}

CompactLabels compact_labels(std::span<const std::int32_t> labels) {
  const std::int64_t largest = largest_label(labels);
  CompactLabels out;
  out.labels.resize(labels.size());
  if (largest < 4 * static_cast<std::int64_t>(labels.size()) + 1024) {
    std::vector<std::int32_t> number(largest + 1, -1);
    for (const auto label : labels) number[label] = 0;
    for (std::int64_t value = 0; value <= largest; ++value) {
      if (number[value] < 0) continue;
      number[value] = static_cast<std::int32_t>(out.values.size());
      out.values.push_back(static_cast<std::int32_t>(value));
    }
    for (std::size_t i = 0; i < labels.size(); ++i) out.labels[i] = number[labels[i]];
    return out;
  }
  out.values.assign(labels.begin(), labels.end());
  std::sort(out.values.begin(), out.values.end());
  out.values.erase(std::unique(out.values.begin(), out.values.end()), out.values.end());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto at = std::lower_bound(out.values.begin(), out.values.end(), labels[i]);
    out.labels[i] = static_cast<std::int32_t>(at - out.values.begin());
  }
  return out;
}

Matrix<std::int64_t> contingency_table(std::span<const std::int32_t> a,
                                       std::span<const std::int32_t> b) {
  check_same_length(a, b);
  const std::int64_t rows = largest_label(a) + 1, cols = largest_label(b) + 1;
  if (rows > kMostCells / cols)
    throw UserError(
        "labels 0 to {} against labels 0 to {} need a table of more than {} cells; number the "
        "labels from 0 without gaps, or compare fewer groups",
        rows - 1, cols - 1, kMostCells);
  Matrix<std::int64_t> table(rows, cols);
  for (std::size_t i = 0; i < a.size(); ++i) ++table(a[i], b[i]);
  return table;
}

}  // namespace coterie
