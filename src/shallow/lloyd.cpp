#include "coterie/shallow/lloyd.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "coterie/core/parallel.h"
#include "coterie/shallow/row_blocks.h"

namespace coterie {
namespace {

/// What a squared distance out of float products may be off by, relative to |x|^2 + |c|^2.
constexpr float kProductError = 2e-6f;
/// What a bound may lose to rounding in one iteration.
constexpr float kRounding = 1e-6f;

}  // namespace

/// What one thread finds in its share of the rows.
struct Lloyd::Part {
  Part(std::int64_t clusters, std::int64_t columns)
      : sums(clusters, columns),
        sizes(static_cast<std::size_t>(clusters)),
        x(row_block(columns), columns),
        distances(row_block(columns), clusters) {}
  Matrix<double> sums;              // change of the clusters' sums
  std::vector<std::int64_t> sizes;  // change of their sizes
  std::int64_t changed = 0;
  std::int64_t measured = 0;
  double inertia = 0;
  double squares = 0;
  Matrix<float> x, distances;
};

Lloyd::Lloyd(const PreparedRows& rows, Matrix<double> centres)
    : rows_(rows),
      clusters_(centres.rows()),
      threads_(threads_for(static_cast<double>(rows.rows()) * static_cast<double>(rows.cols()) *
                           static_cast<double>(centres.rows()))),
      centres_(std::move(centres)),
      labels_(static_cast<std::size_t>(rows.rows()), -1),
      row_squares_(static_cast<std::size_t>(rows.rows())),
      upper_(static_cast<std::size_t>(rows.rows())),
      lower_(static_cast<std::size_t>(rows.rows())),
      drifts_(static_cast<std::size_t>(clusters_)),
      sums_(clusters_, rows.cols()),
      sizes_(static_cast<std::size_t>(clusters_)) {}

/// Measures the rows at `offset + places`, at most a block, against all centres.
void Lloyd::measure(const CentreProducts& products, const std::vector<std::uint32_t>& places,
                    std::int64_t offset, Part& part) {
  const auto count = static_cast<std::int64_t>(places.size());
  const std::int64_t columns = rows_.cols();
  for (std::int64_t b = 0; b < count; ++b) rows_.load(offset + places[b], part.x.row(b));
  products.relative_distances(part.x.data(), count, part.distances.data());
  for (std::int64_t b = 0; b < count; ++b) {
    const float* row = part.distances.row(b);
    const auto nearest = static_cast<std::int32_t>(std::min_element(row, row + clusters_) - row);
    const std::int64_t i = offset + places[b];
    float second = std::numeric_limits<float>::infinity();
    for (std::int64_t k = 0; k < clusters_; ++k)
      if (k != nearest) second = std::min(second, row[k]);
    if (labels_[i] < 0)
      row_squares_[i] = static_cast<float>(squared_length(part.x.row(b), columns));
    const float square = row_squares_[i];
    const float error = kProductError * (square + products.largest_square());
    upper_[i] = std::sqrt(std::max(0.0f, row[nearest] + square) + error);
    lower_[i] = std::sqrt(std::max(0.0f, second + square - error));
    part.squares += square;
    part.inertia += std::max(0.0f, row[nearest] + square);
    if (labels_[i] == nearest) continue;
    ++part.changed;
    ++part.sizes[nearest];
    double* sum = part.sums.row(nearest);
    for (std::int64_t d = 0; d < columns; ++d) sum[d] += part.x(b, d);
    if (labels_[i] >= 0) {
      --part.sizes[labels_[i]];
      double* left = part.sums.row(labels_[i]);
      for (std::int64_t d = 0; d < columns; ++d) left[d] -= part.x(b, d);
    }
    labels_[i] = nearest;
  }
  part.measured += count;
}

/// Half the way from each centre to the next one: a row nearer than that has no nearer centre.
std::vector<float> Lloyd::half_gaps() const {
  std::vector<float> half(static_cast<std::size_t>(clusters_));
  parallel_for(clusters_, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      double least = std::numeric_limits<double>::infinity();
      for (std::int64_t other = 0; other < clusters_; ++other) {
        if (other == k) continue;
        double square = 0;
        for (std::int64_t d = 0; d < rows_.cols(); ++d) {
          const double step = centres_(k, d) - centres_(other, d);
          square += step * step;
        }
        least = std::min(least, square);
      }
      half[k] = static_cast<float>(0.5 * std::sqrt(least) * (1.0 - kRounding));
    }
  });
  return half;
}

/// One pass over the rows: over all of them, or over those whose bounds have met.
std::int64_t Lloyd::pass(bool everything) {
  const CentreProducts products(centres_);
  // A row's lower bound falls by the largest drift of another centre than its own.
  const auto largest = std::max_element(drifts_.begin(), drifts_.end()) - drifts_.begin();
  double second = 0;
  for (std::int64_t k = 0; k < clusters_; ++k)
    if (k != largest) second = std::max(second, drifts_[k]);
  const std::vector<float> half = half_gaps();
  std::vector<Part> parts;
  for (int rank = 0; rank < threads_; ++rank) parts.emplace_back(clusters_, rows_.cols());
  // Fixed shares, so that the sums come out the same each time.
  Team::run(threads_, [&](int rank, Team&) {
    const Share share = share_of(rows_.rows(), rank, threads_);
    const std::int64_t block_rows = row_block(rows_.cols());
    std::vector<std::uint32_t> places;
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      if (!everything) {
        const std::int32_t label = labels_[i];
        upper_[i] = (upper_[i] + static_cast<float>(drifts_[label])) * (1.0f + kRounding);
        lower_[i] -= static_cast<float>(label == largest ? second : drifts_[largest]) +
                     kRounding * upper_[i];
      }
      if (everything || upper_[i] > std::max(lower_[i], half[labels_[i]])) {
        places.push_back(static_cast<std::uint32_t>(i - share.begin));
        if (static_cast<std::int64_t>(places.size()) == block_rows) {
          measure(products, places, share.begin, parts[rank]);
          places.clear();
        }
      }
    }
    if (!places.empty()) measure(products, places, share.begin, parts[rank]);
  });
  std::int64_t changed = 0;
  double inertia = 0, squares = 0;
  for (const Part& part : parts) {
    for (std::int64_t i = 0; i < sums_.size(); ++i) sums_.data()[i] += part.sums.data()[i];
    for (std::int64_t k = 0; k < clusters_; ++k) sizes_[k] += part.sizes[k];
    changed += part.changed;
    measured_ += part.measured;
    inertia += part.inertia;
    squares += part.squares;
  }
  if (everything) {
    inertia_ = inertia;
    squares_ = squares;
  }
  std::fill(drifts_.begin(), drifts_.end(), 0.0);
  return changed;
}

std::int64_t Lloyd::assign() { return pass(labels_[0] < 0); }

double Lloyd::inertia() {
  pass(true);
  return inertia_;
}

double Lloyd::column_variance() const {
  return squares_ / (static_cast<double>(rows_.rows()) * static_cast<double>(rows_.cols()));
}

std::int64_t Lloyd::repair_empty() {
  std::int64_t repaired = 0;
  std::vector<float> row(static_cast<std::size_t>(rows_.cols()));
  for (std::int64_t k = 0; k < clusters_; ++k) {
    if (sizes_[k] > 0) continue;
    if (repaired == 0) pass(true);  // The bounds become distances again.
    if (sizes_[k] > 0) continue;
    std::int64_t farthest = -1;
    for (std::int64_t i = 0; i < rows_.rows(); ++i)
      if (sizes_[labels_[i]] > 1 && (farthest < 0 || upper_[i] > upper_[farthest])) farthest = i;
    rows_.load(farthest, row.data());
    const std::int32_t from = labels_[farthest];
    for (std::int64_t d = 0; d < rows_.cols(); ++d) {
      sums_(from, d) -= row[d];
      sums_(k, d) = row[d];
      centres_(k, d) = row[d];
    }
    --sizes_[from];
    sizes_[k] = 1;
    labels_[farthest] = static_cast<std::int32_t>(k);
    upper_[farthest] = 0;
    ++repaired;
  }
  // A centre that jumped makes every lower bound worthless.
  if (repaired > 0) std::fill(lower_.begin(), lower_.end(), 0.0f);
  return repaired;
}

double Lloyd::update(bool spherical) {
  double shift = 0;
  const std::int64_t columns = rows_.cols();
  const std::vector<double>& mean = rows_.mean();
  std::vector<double> fresh(static_cast<std::size_t>(columns));
  for (std::int64_t k = 0; k < clusters_; ++k) {
    for (std::int64_t d = 0; d < columns; ++d)
      fresh[d] = sums_(k, d) / static_cast<double>(sizes_[k]);
    if (spherical) {  // Back onto the unit sphere, which lies off the mean.
      double length = 0;
      for (std::int64_t d = 0; d < columns; ++d)
        length += (fresh[d] + mean[d]) * (fresh[d] + mean[d]);
      const double scale = length > 0 ? 1.0 / std::sqrt(length) : 1.0;
      for (std::int64_t d = 0; d < columns; ++d) fresh[d] = (fresh[d] + mean[d]) * scale - mean[d];
    }
    double square = 0;
    for (std::int64_t d = 0; d < columns; ++d) {
      const double step = fresh[d] - centres_(k, d);
      square += step * step;
      centres_(k, d) = fresh[d];
    }
    drifts_[k] = std::sqrt(square);
    shift += square;
  }
  return shift;
}

}  // namespace coterie
