#include "coterie/shallow/distinct_rows.h"

#include <algorithm>
#include <unordered_map>

#include "coterie/core/parallel.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

std::vector<std::int64_t> first_equal_rows(ConstFeatures features) {
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(features.rows));
  parallel_for(features.rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      hashes[i] = hash_of_row(features.row(i), features.cols);
  });
  std::unordered_multimap<std::uint64_t, std::int64_t> seen;
  seen.reserve(hashes.size());
  std::vector<std::int64_t> equal(hashes.size());
  for (std::int64_t i = 0; i < features.rows; ++i) {
    const auto row = features.row_span(i);
    const auto [first, last] = seen.equal_range(hashes[i]);
    const auto known = std::find_if(first, last, [&](const auto& entry) {
      return std::equal(row.begin(), row.end(), features.row(entry.second));
    });
    equal[i] = known != last ? known->second : i;
    if (known == last) seen.emplace(hashes[i], i);
  }
  return equal;
}

DistinctRows::DistinctRows(ConstFeatures features)
    : all_(features), index_(first_equal_rows(features)) {
  std::vector<std::int64_t> distinct;
  for (std::int64_t i = 0; i < features.rows; ++i) {
    if (index_[i] == i) {
      index_[i] = static_cast<std::int64_t>(distinct.size());
      distinct.push_back(i);
    } else {
      index_[i] = index_[index_[i]];
    }
  }
  const auto count = static_cast<std::int64_t>(distinct.size());
  if (count == features.rows) return;
  copy_ = Matrix<float>(count, features.cols);
  for (std::int64_t m = 0; m < count; ++m)
    std::copy_n(features.row(distinct[m]), features.cols, copy_.row(m));
}

std::vector<std::int32_t> DistinctRows::expand(const std::vector<std::int32_t>& labels) const {
  std::vector<std::int32_t> all(index_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = labels[index_[i]];
  return all;
}

}  // namespace coterie
