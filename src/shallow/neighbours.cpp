#include "coterie/shallow/neighbours.h"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include "coterie/core/parallel.h"
#include "coterie/shallow/candidates.h"
#include "coterie/shallow/row_distance.h"
#include "coterie/shallow/rows.h"

#if defined(COTERIE_FAISS)
#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <omp.h>

#include <cmath>

#include "coterie/core/memory.h"
#endif

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MapF = Eigen::Map<RowMajorF>;
using ConstMapF = Eigen::Map<const RowMajorF>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Lists that an approximate search looks into for each row.
constexpr std::int64_t kLists = 12;

/// The nearest candidates of each row so far: a heap whose top is the farthest of them.
class CandidateHeaps {
 public:
  CandidateHeaps(std::int64_t rows, std::int64_t kept)
      : kept_(kept),
        heaps_(static_cast<std::size_t>(rows * kept),
               {kInfinity, std::numeric_limits<std::int64_t>::max()}),
        worst_(static_cast<std::size_t>(rows), kInfinity) {}

  std::int64_t kept() const { return kept_; }
  Candidate* heap(std::int64_t row) { return heaps_.data() + row * kept_; }
  /// What a candidate of each row must not exceed.
  const float* worst() const { return worst_.data(); }

  /// The order in which candidates come does not matter.
  void offer(std::int64_t row, Candidate candidate) {
    Candidate* begin = heap(row);
    if (!(candidate < *begin)) return;
    std::pop_heap(begin, begin + kept_);
    begin[kept_ - 1] = candidate;
    std::push_heap(begin, begin + kept_);
    worst_[row] = begin->first;
  }

 private:
  std::int64_t kept_;
  std::vector<Candidate> heaps_;
  std::vector<float> worst_;
};

/// Finds candidates by half squared distances |x|^2 / 2 + |y|^2 / 2 - x.y in float.
class BlockedSearch {
 public:
  BlockedSearch(const PreparedRows& rows, std::int64_t kept)
      : rows_(rows),
        block_(std::clamp<std::int64_t>((4 << 20) / rows.cols(), 16, 512)),
        blocks_((rows.rows() + block_ - 1) / block_),
        heaps_(rows.rows(), kept),
        half_squares_(static_cast<std::size_t>(rows.rows())),
        locks_(static_cast<std::size_t>(blocks_)) {}

  /// How far the distances of each row may be off.
  std::vector<double> rounding() const {
    std::vector<double> all(half_squares_.size());
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = product_rounding(half_squares_[i], rows_.cols());
    return all;
  }

  CandidateHeaps run(const ShallowContext& context) {
    parallel_for(rows_.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> x(static_cast<std::size_t>(rows_.cols()));
      for (std::int64_t i = begin; i < end; ++i) {
        rows_.load(i, x.data());
        half_squares_[i] = static_cast<float>(0.5 * squared_length(x.data(), rows_.cols()));
      }
    });
    if (context.progress) context.progress->begin("nearest neighbours", blocks_);
    std::atomic<std::int64_t> done{0};
    parallel_for(blocks_, 1, [&](std::int64_t begin, std::int64_t end) {
      Matrix<float> x(block_, rows_.cols()), y(block_, rows_.cols()), products(block_, block_);
      for (std::int64_t a = begin; a < end; ++a) {
        load(a, x);
        // Each block meets the half of the others that follows it in a circle: every pair of blocks
        // comes once, and all blocks have the same work.
        for (std::int64_t step = 0; step <= blocks_ / 2; ++step) {
          if (2 * step == blocks_ && 2 * a >= blocks_) break;
          context.check_cancelled();
          const std::int64_t b = (a + step) % blocks_;
          if (step > 0) load(b, y);
          const Matrix<float>& other = step > 0 ? y : x;
          MapF(products.data(), size(a), size(b)).noalias() =
              ConstMapF(x.data(), size(a), rows_.cols()) *
              ConstMapF(other.data(), size(b), rows_.cols()).transpose();
          select(a, b, products.data());
        }
        if (context.progress) context.progress->update(++done);
      }
    });
    if (context.progress) context.progress->end();
    return std::move(heaps_);
  }

 private:
  std::int64_t size(std::int64_t block) const {
    return std::min(block_, rows_.rows() - block * block_);
  }

  void load(std::int64_t block, Matrix<float>& out) const {
    for (std::int64_t i = 0; i < size(block); ++i) rows_.load(block * block_ + i, out.row(i));
  }

  /// Offers the pairs of two blocks to both sides.
  void select(std::int64_t a, std::int64_t b, const float* products) {
    std::unique_lock first(locks_[std::min(a, b)]);
    std::unique_lock<std::mutex> second;
    if (a != b) second = std::unique_lock(locks_[std::max(a, b)]);
    constexpr std::int64_t kChunk = 64;
    const std::int64_t start_a = a * block_, start_b = b * block_, width = size(b);
    const float* half_b = half_squares_.data() + start_b;
    const float* worst_b = heaps_.worst() + start_b;
    for (std::int64_t q = 0; q < size(a); ++q) {
      const float* row = products + q * width;
      const float half = half_squares_[start_a + q];
      for (std::int64_t o = a == b ? q + 1 : 0; o < width; o += kChunk) {
        const std::int64_t end = std::min(width, o + kChunk);
        const float worst = heaps_.worst()[start_a + q];
        // Nearly all pairs fail here, many at once.
        int hits = 0;
        for (std::int64_t c = o; c < end; ++c)
          hits |= (half + half_b[c]) - row[c] <= std::max(worst, worst_b[c]);
        if (!hits) continue;
        for (std::int64_t c = o; c < end; ++c) {
          const float distance = (half + half_b[c]) - row[c];
          if (distance <= heaps_.worst()[start_a + q])
            heaps_.offer(start_a + q, {distance, start_b + c});
          if (distance <= worst_b[c]) heaps_.offer(start_b + c, {distance, start_a + q});
        }
      }
    }
  }

  const PreparedRows& rows_;
  std::int64_t block_;
  std::int64_t blocks_;
  CandidateHeaps heaps_;
  std::vector<float> half_squares_;
  std::vector<std::mutex> locks_;  // one a block, around its heaps
};

#if defined(COTERIE_FAISS)
/// Candidates from the lists nearest to each row. The lists' centres come from FAISS's k-means with
/// its fixed seed, and rows go in one order, so the result is the same each time.
CandidateHeaps search_lists(const PreparedRows& rows, std::int64_t kept,
                            const ShallowContext& context) {
  constexpr std::int64_t kPiece = 1024;
  const std::int64_t n = rows.rows(), columns = rows.cols();
  require_memory(4.0 * static_cast<double>(n) * static_cast<double>(columns),
                 fmt::format("FAISS's copy of {} rows of {} features", n, columns),
                 "search exactly, or reduce the features first");
  omp_set_num_threads(thread_count());
  const auto lists = std::max<std::int64_t>(
      1, std::min(static_cast<std::int64_t>(4 * std::sqrt(static_cast<double>(n))), n / 40));
  faiss::IndexFlatL2 quantizer(columns);
  faiss::IndexIVFFlat index(&quantizer, columns, lists);
  index.cp.niter = 8;
  index.nprobe = static_cast<std::size_t>(std::min(lists, kLists));
  const std::int64_t step = std::max<std::int64_t>(1, n / (40 * lists));
  Matrix<float> sample((n + step - 1) / step, columns);
  for (std::int64_t i = 0; i < sample.rows(); ++i) rows.load(i * step, sample.row(i));
  if (context.progress) context.progress->begin("lists of neighbours", 0);
  context.check_cancelled();
  index.train(sample.rows(), sample.data());
  Matrix<float> piece(kPiece, columns);
  const auto for_pieces = [&](auto&& work) {
    for (std::int64_t first = 0; first < n; first += kPiece) {
      context.check_cancelled();
      const std::int64_t size = std::min(kPiece, n - first);
      parallel_for(size, 64, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) rows.load(first + i, piece.row(i));
      });
      work(first, size);
    }
  };
  for_pieces([&](std::int64_t, std::int64_t size) { index.add(size, piece.data()); });
  CandidateHeaps heaps(n, kept);
  // One more is asked for, as a row finds itself too.
  Matrix<float> distances(kPiece, kept + 1);
  std::vector<faiss::Index::idx_t> found(static_cast<std::size_t>(kPiece * (kept + 1)));
  if (context.progress) context.progress->begin("nearest neighbours", n);
  for_pieces([&](std::int64_t first, std::int64_t size) {
    index.search(size, piece.data(), kept + 1, distances.data(), found.data());
    for (std::int64_t q = 0; q < size; ++q)
      for (std::int64_t c = 0; c <= kept; ++c) {
        const auto row = static_cast<std::int64_t>(found[q * (kept + 1) + c]);
        if (row >= 0 && row != first + q) heaps.offer(first + q, {distances(q, c), row});
      }
    if (context.progress) context.progress->update(first + size);
  });
  if (context.progress) context.progress->end();
  return heaps;
}
#endif

/// Candidates, and how far the half squared distances by which they were chosen may be off; empty
/// where an approximate search chose them.
struct Candidates {
  CandidateHeaps heaps;
  std::vector<double> rounding;
};

Candidates find_candidates(const PreparedRows& rows, std::int64_t kept, NeighbourSearch search,
                           const ShallowContext& context) {
#if defined(COTERIE_FAISS)
  if (search == NeighbourSearch::approximate ||
      (search == NeighbourSearch::automatic && rows.rows() > kExactRows))
    return {search_lists(rows, kept, context), {}};
#else
  if (search == NeighbourSearch::approximate)
    throw UserError(
        "approximate neighbours need FAISS, which this build has not: search exactly, or build "
        "with "
        "-DCOTERIE_FAISS=ON");
#endif
  BlockedSearch blocks(rows, kept);
  CandidateHeaps heaps = blocks.run(context);
  return {std::move(heaps), blocks.rounding()};
}

/// The `count` nearest of the candidates by exact distances.
Neighbours nearest_of(Candidates& found, std::int64_t count, const RowDistance& distance,
                      std::int64_t n, const ShallowContext& context) {
  CandidateHeaps& heaps = found.heaps;
  const std::int64_t kept = heaps.kept();
  Neighbours result{Matrix<std::int64_t>(n, count), Matrix<float>(n, count)};
  parallel_for(n, 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Candidate> all;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto distance_to = [&](std::int64_t row) { return distance(i, row); };
      Candidate* candidates = heaps.heap(i);
      const double worst = heaps.worst()[i];
      const auto known = std::partition(candidates, candidates + kept,
                                        [](const Candidate& one) { return one.first < kInfinity; });
      bool whole = known - candidates >= count;
      if (whole) {
        sort_nearest({candidates, known}, count, distance_to);
        whole = kept == n - 1 || found.rounding.empty() ||
                !rounding_decides(candidates[count - 1].first, worst, found.rounding[i]);
      }
      if (!whole) {  // or lists of few rows
        context.check_cancelled();
        all.clear();
        for (std::int64_t j = 0; j < n; ++j)
          if (j != i) all.emplace_back(0.0f, j);
        sort_nearest(all, count, distance_to);
        candidates = all.data();
      }
      for (std::int64_t c = 0; c < count; ++c) {
        result.distances(i, c) = candidates[c].first;
        result.rows(i, c) = candidates[c].second;
      }
    }
  });
  return result;
}

}  // namespace

Neighbours nearest_neighbours(ConstFeatures features, std::int64_t count,
                              const NeighbourOptions& options, const ShallowContext& context) {
  const std::int64_t n = features.rows;
  if (features.cols == 0) throw UserError("the rows have no columns; give at least one feature");
  if (count < 1 || count >= n)
    throw UserError("{} neighbours were asked for: allowed is 1 to {}, the other rows", count,
                    n - 1);
  const PreparedRows rows(features, PreparedRows::mean_of(features, options.cosine),
                          options.cosine);
  Candidates found =
      find_candidates(rows, std::min(count + kSpareCandidates, n - 1), options.search, context);
  return nearest_of(found, count, RowDistance(features, options.cosine), n, context);
}

}  // namespace coterie
