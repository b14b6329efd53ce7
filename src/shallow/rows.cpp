#include "coterie/shallow/rows.h"

#include <cmath>

#include "coterie/core/parallel.h"

namespace coterie {

double PreparedRows::inverse_length(const float* row, std::int64_t columns) {
  const double sum = squared_length(row, columns);
  return sum > 0 ? 1.0 / std::sqrt(sum) : 0.0;
}

std::vector<double> PreparedRows::mean_of(ConstFeatures features, bool unit_length) {
  const int threads =
      static_cast<int>(std::clamp<std::int64_t>(features.size() / 100'000, 1, thread_count()));
  Matrix<double> sums(threads, features.cols);
  // Fixed shares, not a work queue: the sum's order, and so its last bit, stays the same.
  Team::run(threads, [&](int rank, Team&) {
    double* sum = sums.row(rank);
    const Share share = share_of(features.rows, rank, threads);
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      const float* row = features.row(i);
      const double scale = unit_length ? inverse_length(row, features.cols) : 1.0;
      for (std::int64_t d = 0; d < features.cols; ++d) sum[d] += row[d] * scale;
    }
  });
  std::vector<double> mean(static_cast<std::size_t>(features.cols));
  for (std::int64_t d = 0; d < features.cols; ++d) {
    for (int rank = 0; rank < threads; ++rank) mean[d] += sums(rank, d);
    mean[d] =
        static_cast<float>(mean[d] / static_cast<double>(std::max<std::int64_t>(features.rows, 1)));
  }
  return mean;
}

Matrix<float> sample_rows(ConstFeatures features, std::int64_t count, RandomStream& stream) {
  Matrix<float> sample(count, features.cols);
  std::int64_t taken = 0;
  for (std::int64_t i = 0; taken < count; ++i) {
    const auto left = static_cast<std::uint64_t>(features.rows - i);
    if (static_cast<std::int64_t>(stream.below(left)) < count - taken)
      std::copy_n(features.row(i), features.cols, sample.row(taken++));
  }
  return sample;
}

}  // namespace coterie
