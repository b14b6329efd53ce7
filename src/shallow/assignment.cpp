#include "coterie/shallow/assignment.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <ranges>
#include <unordered_map>

#include "coterie/core/parallel.h"

namespace coterie {
namespace {

/// Squared distances of rows up to this size, over millions of columns, fit into a float.
constexpr float kLargestFeature = 1e15f;
/// Below it, they are no longer numbers of full precision.
constexpr float kSmallestFeature = 1e-15f;

/// See check_features. Returns the largest feature, without its sign.
float checked_largest(ConstFeatures features) {
  if (features.rows == 0) throw UserError("there are no rows to cluster; give at least two");
  if (features.cols == 0) throw UserError("the rows have no columns; give at least one feature");
  std::atomic<std::int64_t> first_bad{features.size()};
  std::atomic<std::uint32_t> largest_of_all{0};
  parallel_for(features.rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    const float* values = features.row(begin);
    const std::int64_t count = (end - begin) * features.cols;
    // As whole numbers, the bits of floats without their sign stand in the order of the values,
    // NaN and infinity above all.
    constexpr std::uint32_t kSign = 0x80000000;
    std::uint32_t largest = 0;
    for (std::int64_t i = 0; i < count; ++i)
      largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & ~kSign);
    std::uint32_t before = largest_of_all.load();
    while (before < largest && !largest_of_all.compare_exchange_weak(before, largest)) {
    }
    if (largest <= std::bit_cast<std::uint32_t>(kLargestFeature)) return;
    for (std::int64_t i = 0; i < count; ++i) {
      if (std::abs(values[i]) <= kLargestFeature) continue;
      std::int64_t position = begin * features.cols + i;
      std::int64_t known = first_bad.load();
      while (position < known && !first_bad.compare_exchange_weak(known, position)) {
      }
      return;
    }
  });
  if (const std::int64_t bad = first_bad.load(); bad < features.size())
    throw UserError("row {}, column {} holds {}: features must be finite numbers{}",
                    bad / features.cols, bad % features.cols, features.data[bad],
                    std::isfinite(features.data[bad])
                        ? fmt::format(" of at most {:g} in size; scale them", kLargestFeature)
                        : "");
  return std::bit_cast<float>(largest_of_all.load());
}

}  // namespace

std::uint64_t hash_of_row(const float* row, std::int64_t columns) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
  for (std::int64_t d = 0; d < columns; ++d) {
    const std::uint64_t bits = row[d] == 0.0f ? 0 : std::bit_cast<std::uint32_t>(row[d]);
    hash = (hash ^ bits) * 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32;
  }
  return hash;
}

std::int64_t count_distinct_rows(ConstFeatures features, std::int64_t limit) {
  // Rows of one hash are compared, so that two rows that share a hash by chance count as two.
  std::unordered_multimap<std::uint64_t, std::int64_t> seen;
  for (std::int64_t i = 0; i < features.rows && static_cast<std::int64_t>(seen.size()) < limit;
       ++i) {
    const auto row = features.row_span(i);
    const std::uint64_t hash = hash_of_row(features.row(i), features.cols);
    const auto [first, last] = seen.equal_range(hash);
    if (std::none_of(first, last, [&](const auto& entry) {
          return std::ranges::equal(row, features.row_span(entry.second));
        }))
      seen.emplace(hash, i);
  }
  return static_cast<std::int64_t>(seen.size());
}

void check_features(ConstFeatures features) { checked_largest(features); }

void check_clustering_input(ConstFeatures features, std::int64_t clusters) {
  if (const float largest = checked_largest(features); largest > 0 && largest < kSmallestFeature)
    throw UserError("no feature is larger than {:g} in size: allowed is {:g} at least; scale them",
                    largest, kSmallestFeature);
  if (clusters < 2 || clusters > features.rows)
    throw UserError("{} clusters were asked for: allowed is 2 to the number of rows, {}", clusters,
                    features.rows);
  if (const std::int64_t distinct = count_distinct_rows(features, clusters); distinct < clusters)
    throw UserError(
        "{} clusters were asked for, but only {} of the {} rows differ from each other; {}",
        clusters, distinct, features.rows,
        distinct == 1 ? "there is nothing to cluster" : fmt::format("ask for 2 to {}", distinct));
}

void check_width(std::int64_t trained, std::int64_t given) {
  if (trained != given)
    throw UserError("the model was trained on rows of {} features, these have {}", trained, given);
}

std::vector<std::int32_t> argmax_rows(MatrixView<const float> probabilities) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(probabilities.rows));
  for (std::int64_t i = 0; i < probabilities.rows; ++i) {
    const auto row = probabilities.row_span(i);
    labels[i] = static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }
  return labels;
}

std::vector<std::int64_t> cluster_sizes(const std::vector<std::int32_t>& labels,
                                        std::int64_t clusters) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(clusters));
  for (const std::int32_t label : labels) ++sizes[static_cast<std::size_t>(label)];
  return sizes;
}

std::vector<std::int32_t> numbered_by_appearance(std::vector<std::int32_t> labels) {
  std::unordered_map<std::int32_t, std::int32_t> number;
  for (std::int32_t& label : labels)
    label = number.try_emplace(label, static_cast<std::int32_t>(number.size())).first->second;
  return labels;
}

}  // namespace coterie
