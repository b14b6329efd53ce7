#include "coterie/shallow/tsne_affinities.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "coterie/core/memory.h"
#include "coterie/core/parallel.h"

namespace coterie {
namespace {

constexpr double kTolerance = 1e-5;  // of the entropy, in nats
constexpr int kMostHalvings = 200;
constexpr std::int64_t kFewestRows = 4;  // three neighbours for a perplexity of one

/// Writes exp(-precision (d_j - d_0)) to `weights` and returns the entropy of their shares.
double entropy_at(double precision, std::span<const float> squares, std::vector<double>& weights) {
  double sum = 0, mean = 0;
  for (std::size_t j = 0; j < squares.size(); ++j) {
    const double farther = static_cast<double>(squares[j]) - squares[0];
    weights[j] = std::exp(-precision * farther);
    sum += weights[j];
    mean += weights[j] * farther;
  }
  return std::log(sum) + precision * mean / sum;
}

void fit_row(std::span<const float> squares, double entropy, std::vector<double>& weights) {
  double mean = 0;
  for (const float square : squares)
    mean += (static_cast<double>(square) - squares[0]) / static_cast<double>(squares.size());
  // Of equal distances all precisions say the same.
  double precision = mean > 0 ? 1 / mean : 0, low = 0,
         high = std::numeric_limits<double>::infinity();
  for (int step = 0; step < kMostHalvings; ++step) {
    const double difference = entropy_at(precision, squares, weights) - entropy;
    if (std::abs(difference) < kTolerance) return;
    (difference > 0 ? low : high) = precision;
    const double next = std::isinf(high) ? 2 * precision : (low + high) / 2;
    if (next == precision || std::isinf(next)) return;
    precision = next;
  }
}

}  // namespace

Matrix<float> conditional_affinities(MatrixView<const float> squared_distances, double perplexity) {
  const std::int64_t count = squared_distances.cols;
  Matrix<float> shares(squared_distances.rows, count);
  parallel_for(squared_distances.rows, 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> weights(static_cast<std::size_t>(count));
    for (std::int64_t i = begin; i < end; ++i) {
      fit_row(squared_distances.row_span(i), std::log(perplexity), weights);
      double sum = 0;
      for (const double weight : weights) sum += weight;
      for (std::int64_t j = 0; j < count; ++j) shares(i, j) = static_cast<float>(weights[j] / sum);
    }
  });
  return shares;
}

Affinities::Affinities(const Neighbours& neighbours, const Matrix<float>& conditional) {
  const std::int64_t n = conditional.rows(), count = conditional.cols();
  // Who has row i among its neighbours: places in `conditional`, rising.
  std::vector<std::int64_t> begins(static_cast<std::size_t>(n + 1));
  for (std::int64_t e = 0; e < n * count; ++e) ++begins[neighbours.rows.data()[e] + 1];
  for (std::int64_t i = 0; i < n; ++i) begins[i + 1] += begins[i];
  std::vector<std::int64_t> from(static_cast<std::size_t>(n * count));
  std::vector<std::int64_t> next(begins.begin(), begins.end() - 1);
  for (std::int64_t e = 0; e < n * count; ++e) from[next[neighbours.rows.data()[e]]++] = e;

  using Entry = std::pair<std::int32_t, float>;
  const auto entries_of = [&](std::int64_t i, std::vector<Entry>& entries) {
    entries.clear();
    for (std::int64_t c = 0; c < count; ++c)
      entries.emplace_back(static_cast<std::int32_t>(neighbours.rows(i, c)), conditional(i, c));
    for (std::int64_t at = begins[i]; at < begins[i + 1]; ++at)
      entries.emplace_back(static_cast<std::int32_t>(from[at] / count),
                           conditional.data()[from[at]]);
    std::sort(entries.begin(), entries.end());
    std::size_t kept = 0;  // A mutual neighbour stands there twice.
    for (std::size_t e = 0; e < entries.size(); ++e)
      if (kept > 0 && entries[kept - 1].first == entries[e].first)
        entries[kept - 1].second += entries[e].second;
      else
        entries[kept++] = entries[e];
    entries.resize(kept);
  };

  offsets.assign(static_cast<std::size_t>(n + 1), 0);
  parallel_for(n, 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Entry> entries;
    for (std::int64_t i = begin; i < end; ++i) {
      entries_of(i, entries);
      const auto size = static_cast<std::int64_t>(entries.size());
      offsets[i + 1] = (size + kLanes - 1) / kLanes * kLanes;
    }
  });
  for (std::int64_t i = 0; i < n; ++i) offsets[i + 1] += offsets[i];
  columns.resize(static_cast<std::size_t>(offsets[n]));
  values.resize(static_cast<std::size_t>(offsets[n]));
  const double scale = 0.5 / static_cast<double>(n);
  parallel_for(n, 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Entry> entries;
    for (std::int64_t i = begin; i < end; ++i) {
      entries_of(i, entries);
      entries.resize(static_cast<std::size_t>(offsets[i + 1] - offsets[i]),
                     {static_cast<std::int32_t>(i), 0.0f});
      for (std::size_t e = 0; e < entries.size(); ++e) {
        columns[offsets[i] + static_cast<std::int64_t>(e)] = entries[e].first;
        values[offsets[i] + static_cast<std::int64_t>(e)] =
            static_cast<float>(scale * entries[e].second);
      }
    }
  });
}

double Affinities::negative_entropy() const {
  double sum = 0;
  for (const float p : values)
    if (p > 0) sum += p * std::log(static_cast<double>(p));
  return sum;
}

Affinities affinities_of_rows(ConstFeatures rows, double perplexity,
                              const ShallowContext& context) {
  check_features(rows);
  if (rows.rows < kFewestRows)
    throw UserError("t-SNE needs {} rows or more; there are {}", kFewestRows, rows.rows);
  if (!(3 * perplexity < static_cast<double>(rows.rows)))
    throw UserError(
        "perplexity = {} is too large for {} rows: it takes three times as many neighbours of "
        "each; set "
        "it to {} or less, or give more rows",
        perplexity, rows.rows, (rows.rows - 1) / 3);
  const auto count = static_cast<std::int64_t>(3 * perplexity);
  // Neighbours, conditional and joint affinities, the last in both directions.
  require_memory(44.0 * static_cast<double>(rows.rows) * static_cast<double>(count),
                 fmt::format("the {} neighbours of each of {} rows", count, rows.rows),
                 "set a smaller perplexity or give fewer rows");
  const Neighbours neighbours = nearest_neighbours(rows, count, {}, context);
  context.check_cancelled();
  return Affinities(neighbours, conditional_affinities(neighbours.distances, perplexity));
}

}  // namespace coterie
