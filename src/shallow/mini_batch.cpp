#include "coterie/shallow/mini_batch.h"

#include <algorithm>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/shallow/centre_products.h"

namespace coterie {

MiniBatch::MiniBatch(const PreparedRows& rows, Matrix<double> centres, std::int64_t batch_rows)
    : rows_(rows),
      centres_(std::move(centres)),
      batch_rows_(std::min(batch_rows, rows.rows())),
      seen_(static_cast<std::size_t>(centres_.rows())) {}

void MiniBatch::advance(RandomStream& stream) {
  const std::int64_t columns = rows_.cols(), clusters = centres_.rows();
  std::vector<std::int64_t> drawn(static_cast<std::size_t>(batch_rows_));
  for (auto& row : drawn)
    row = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(rows_.rows())));
  std::sort(drawn.begin(), drawn.end());

  Matrix<float> x(batch_rows_, columns);
  std::vector<std::int32_t> nearest(drawn.size());
  std::vector<double> squares(drawn.size());
  const CentreProducts products(centres_);
  parallel_for(batch_rows_, 256, [&](std::int64_t begin, std::int64_t end) {
    Matrix<float> distances(end - begin, clusters);
    for (std::int64_t b = begin; b < end; ++b) rows_.load(drawn[b], x.row(b));
    products.relative_distances(x.row(begin), end - begin, distances.data());
    for (std::int64_t b = begin; b < end; ++b) {
      const float* row = distances.row(b - begin);
      nearest[b] = static_cast<std::int32_t>(std::min_element(row, row + clusters) - row);
      squares[b] = std::max(0.0, row[nearest[b]] + squared_length(x.row(b), columns));
    }
  });
  double total = 0;
  for (std::int64_t b = 0; b < batch_rows_; ++b) {
    total += squares[b];
    double* centre = centres_.row(nearest[b]);
    const double rate = 1.0 / static_cast<double>(++seen_[nearest[b]]);
    for (std::int64_t d = 0; d < columns; ++d) centre[d] += rate * (x(b, d) - centre[d]);
  }

  // The smoothing looks back over about half the rows, and at least a few batches.
  const double weight =
      std::min(0.5, 2.0 * static_cast<double>(batch_rows_) / static_cast<double>(rows_.rows()));
  const double mean = total / static_cast<double>(batch_rows_);
  smoothed_ = rows_seen_ == 0 ? mean : smoothed_ + weight * (mean - smoothed_);
  if (rows_seen_ == 0 || smoothed_ < least_) {
    least_ = smoothed_;
    without_gain_ = 0;
  } else {
    ++without_gain_;
  }
  rows_seen_ += batch_rows_;
}

}  // namespace coterie
