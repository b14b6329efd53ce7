#include "coterie/shallow/row_search.h"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>
#include <vector>

#include "coterie/core/parallel.h"
#include "coterie/shallow/candidates.h"
#include "coterie/shallow/row_blocks.h"
#include "coterie/shallow/row_distance.h"
#include "coterie/shallow/rows.h"

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A block of queries: for each a heap of its nearest rows so far, the farthest on top.
class QueryBlock {
 public:
  QueryBlock(const PreparedRows& queries, std::int64_t first, std::int64_t count, std::int64_t kept)
      : kept_(kept),
        values_(count, queries.cols()),
        candidates_(
            static_cast<std::size_t>(count * kept),
            {std::numeric_limits<float>::infinity(), std::numeric_limits<std::int64_t>::max()}) {
    for (std::int64_t q = 0; q < count; ++q) queries.load(first + q, values_.row(q));
  }

  std::int64_t size() const { return values_.rows(); }
  Candidate* candidates(std::int64_t q) { return candidates_.data() + q * kept_; }
  double half_square(std::int64_t q) const {
    return 0.5 * squared_length(values_.row(q), values_.cols());
  }

  /// |y|^2 / 2 - x.y ranks rows by distance: |x|^2 is the same for all of them.
  void meet(const Matrix<float>& rows, std::int64_t first, std::int64_t count,
            Matrix<float>& products) {
    Eigen::Map<RowMajorF>(products.data(), size(), count).noalias() =
        Eigen::Map<const RowMajorF>(values_.data(), size(), values_.cols()) *
        Eigen::Map<const RowMajorF>(rows.data(), count, rows.cols()).transpose();
    halves_.resize(static_cast<std::size_t>(count));
    for (std::int64_t r = 0; r < count; ++r)
      halves_[r] = static_cast<float>(0.5 * squared_length(rows.row(r), rows.cols()));
    for (std::int64_t q = 0; q < size(); ++q) {
      const float* product = products.data() + q * count;
      Candidate* heap = candidates(q);
      for (std::int64_t r = 0; r < count; ++r) {
        const Candidate candidate{halves_[r] - product[r], first + r};
        if (!(candidate < *heap)) continue;
        std::pop_heap(heap, heap + kept_);
        heap[kept_ - 1] = candidate;
        std::push_heap(heap, heap + kept_);
      }
    }
  }

 private:
  std::int64_t kept_;
  Matrix<float> values_;
  std::vector<Candidate> candidates_;
  std::vector<float> halves_;  // |y|^2 / 2 of the rows that it meets
};

}  // namespace

Neighbours nearest_rows(ConstFeatures queries, ConstFeatures rows, std::int64_t count,
                        const ShallowContext& context) {
  check_width(rows.cols, queries.cols);
  if (count < 1 || count > rows.rows)
    throw UserError("{} rows were asked for: allowed is 1 to {}, all of them", count, rows.rows);
  const PreparedRows prepared(rows, PreparedRows::mean_of(rows, false), false);
  const PreparedRows asked(queries, prepared.mean(), false);
  const std::int64_t step = row_block(rows.cols), row_step = 4 * step;
  const std::int64_t kept = std::min(count + kSpareCandidates, rows.rows);
  Neighbours found{Matrix<std::int64_t>(queries.rows, count), Matrix<float>(queries.rows, count)};
  if (context.progress) context.progress->begin("nearest rows", queries.rows);
  std::atomic<std::int64_t> done{0};
  parallel_for((queries.rows + step - 1) / step, 1, [&](std::int64_t begin, std::int64_t end) {
    Matrix<float> block(row_step, rows.cols), products(step, row_step);
    std::vector<Candidate> all;
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b * step;
      QueryBlock asking(asked, first, std::min(step, queries.rows - first), kept);
      for (std::int64_t start = 0; start < rows.rows; start += row_step) {
        context.check_cancelled();
        const std::int64_t size = std::min(row_step, rows.rows - start);
        for (std::int64_t r = 0; r < size; ++r) prepared.load(start + r, block.row(r));
        asking.meet(block, start, size, products);
      }
      for (std::int64_t q = 0; q < asking.size(); ++q) {
        const auto distance_to = [&](std::int64_t row) {
          return squared_distance(queries.row(first + q), rows.row(row), rows.cols);
        };
        Candidate* candidates = asking.candidates(q);
        const double half = asking.half_square(q), worst = candidates->first + half;
        sort_nearest({candidates, candidates + kept}, count, distance_to);
        if (kept < rows.rows && rounding_decides(candidates[count - 1].first, worst,
                                                 product_rounding(half, rows.cols))) {
          context.check_cancelled();
          all.clear();
          for (std::int64_t r = 0; r < rows.rows; ++r) all.emplace_back(0.0f, r);
          sort_nearest(all, count, distance_to);
          candidates = all.data();
        }
        for (std::int64_t c = 0; c < count; ++c) {
          found.distances(first + q, c) = candidates[c].first;
          found.rows(first + q, c) = candidates[c].second;
        }
      }
      const std::int64_t now = done += asking.size();
      if (context.progress) context.progress->update(now);
    }
  });
  if (context.progress) context.progress->end();
  return found;
}

}  // namespace coterie
