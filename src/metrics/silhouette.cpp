#include "coterie/metrics/silhouette.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "coterie/core/error.h"
#include "coterie/core/parallel.h"
#include "coterie/metrics/contingency.h"

namespace coterie {
namespace {

constexpr std::int64_t kTile = 32;    // Rows compared at once; their sums fit in registers.
constexpr std::int64_t kBlock = 256;  // Rows for which one turned tile is used.

CompactLabels check(ConstFeatures features, std::span<const std::int32_t> labels) {
  if (features.rows != static_cast<std::int64_t>(labels.size()))
    throw UserError("there are {} rows of features and {} labels; give one label for each row",
                    features.rows, labels.size());
  CompactLabels compact = compact_labels(labels);
  if (compact.count() < 2)
    throw UserError("the silhouette needs at least 2 clusters with items; there is only cluster {}",
                    compact.values.front());
  for (std::int64_t i = 0; i < features.rows; ++i)
    for (const float value : features.row_span(i))
      if (!std::isfinite(value))
        throw UserError("row {} of the features holds {}; features must be finite", i, value);
  return compact;
}

std::vector<std::int64_t> sizes_of(const CompactLabels& labels) {
  std::vector<std::int64_t> sizes(labels.count(), 0);
  for (const auto label : labels.labels) ++sizes[label];
  return sizes;
}

/// Adds the distances from rows [begin, end) to every row, by the other row's cluster, to
/// sums [end - begin, K]. Differences are taken one by one, not through dot products, so that tight
/// clusters far from the origin lose no digits.
void add_distances(ConstFeatures features, const CompactLabels& labels, Share rows,
                   Matrix<double>& sums, const CancelToken* cancel) {
  std::vector<double> turned(static_cast<std::size_t>(features.cols * kTile));
  for (std::int64_t first = 0; first < features.rows; first += kTile) {
    if (cancel) cancel->check();
    const std::int64_t width = std::min(kTile, features.rows - first);
    for (std::int64_t j = 0; j < width; ++j)
      for (std::int64_t d = 0; d < features.cols; ++d)
        turned[d * kTile + j] = features(first + j, d);
    for (std::int64_t i = rows.begin; i < rows.end; ++i) {
      double squares[kTile] = {};
      for (std::int64_t d = 0; d < features.cols; ++d) {
        const double value = features(i, d);
        for (std::int64_t j = 0; j < kTile; ++j) {
          const double difference = value - turned[d * kTile + j];
          squares[j] += difference * difference;
        }
      }
      double* row = sums.row(i - rows.begin);
      for (std::int64_t j = 0; j < width; ++j)
        row[labels.labels[first + j]] += std::sqrt(squares[j]);
    }
  }
}

double score_of(const double* sums, std::int64_t own, const std::vector<std::int64_t>& sizes) {
  if (sizes[own] == 1) return 0.0;
  const double within = sums[own] / static_cast<double>(sizes[own] - 1);
  double nearest = std::numeric_limits<double>::infinity();
  for (std::int64_t k = 0; k < static_cast<std::int64_t>(sizes.size()); ++k)
    if (k != own) nearest = std::min(nearest, sums[k] / static_cast<double>(sizes[k]));
  const double larger = std::max(within, nearest);
  return larger > 0.0 ? (nearest - within) / larger : 0.0;
}

std::vector<double> scores_of(ConstFeatures features, const CompactLabels& labels,
                              const CancelToken* cancel) {
  const auto sizes = sizes_of(labels);
  std::vector<double> scores(static_cast<std::size_t>(features.rows));
  const std::int64_t blocks = (features.rows + kBlock - 1) / kBlock;
  parallel_for(blocks, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t block = first; block < last; ++block) {
      const Share rows{block * kBlock, std::min(features.rows, (block + 1) * kBlock)};
      Matrix<double> sums(rows.end - rows.begin, labels.count());
      add_distances(features, labels, rows, sums, cancel);
      for (std::int64_t i = rows.begin; i < rows.end; ++i)
        scores[i] = score_of(sums.row(i - rows.begin), labels.labels[i], sizes);
    }
  });
  return scores;
}

/// Rows for the estimate, ascending: from each cluster its share of `sample`.
std::vector<std::int64_t> draw_rows(const CompactLabels& labels, std::int64_t sample,
                                    RandomStream& random) {
  const auto sizes = sizes_of(labels);
  std::vector<std::vector<std::int64_t>> members(sizes.size());
  for (std::size_t i = 0; i < labels.labels.size(); ++i)
    members[labels.labels[i]].push_back(static_cast<std::int64_t>(i));
  const double share = static_cast<double>(sample) / static_cast<double>(labels.labels.size());
  std::vector<std::int64_t> rows;
  for (auto& group : members) {
    const auto size = static_cast<std::int64_t>(group.size());
    const std::int64_t wanted = std::llround(share * static_cast<double>(size));
    const std::int64_t take = std::min(size, std::max<std::int64_t>(2, wanted));
    for (std::int64_t i = 0; i < take; ++i) std::swap(group[i], group[i + random.below(size - i)]);
    rows.insert(rows.end(), group.begin(), group.begin() + take);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

std::vector<double> silhouette_samples(ConstFeatures features, std::span<const std::int32_t> labels,
                                       const CancelToken* cancel) {
  return scores_of(features, check(features, labels), cancel);
}

double silhouette(ConstFeatures features, std::span<const std::int32_t> labels,
                  const CancelToken* cancel) {
  double sum = 0.0;
  for (const double score : silhouette_samples(features, labels, cancel)) sum += score;
  return sum / static_cast<double>(features.rows);
}

double sampled_silhouette(ConstFeatures features, std::span<const std::int32_t> labels,
                          std::int64_t sample, RandomStream& random, const CancelToken* cancel) {
  if (sample < 2)
    throw UserError("a silhouette sample of {} rows is too small; take at least 2", sample);
  if (sample >= features.rows) return silhouette(features, labels, cancel);
  const CompactLabels all = check(features, labels);
  const auto rows = draw_rows(all, sample, random);

  Matrix<float> drawn(static_cast<std::int64_t>(rows.size()), features.cols);
  CompactLabels drawn_labels;
  drawn_labels.values = all.values;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(features.row(rows[i]), features.cols, drawn.row(static_cast<std::int64_t>(i)));
    drawn_labels.labels.push_back(all.labels[rows[i]]);
  }
  const auto scores = scores_of(drawn, drawn_labels, cancel);
  const auto sizes = sizes_of(all), drawn_sizes = sizes_of(drawn_labels);
  double sum = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto cluster = drawn_labels.labels[i];
    sum +=
        scores[i] * static_cast<double>(sizes[cluster]) / static_cast<double>(drawn_sizes[cluster]);
  }
  return sum / static_cast<double>(features.rows);
}

}  // namespace coterie
