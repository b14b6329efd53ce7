#include "coterie/shallow/neighbours.h"

#include <Eigen/Core>
#include <algorithm>
#include <utility>
#include <vector>

#include "coterie/core/parallel.h"
#include "coterie/shallow/rows.h"

#if defined(COTERIE_FAISS)
#include <faiss/IndexFlat.h>
#endif

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MapF = Eigen::Map<RowMajorF>;
using ConstMapF = Eigen::Map<const RowMajorF>;

constexpr std::int64_t kQueries = 256;
constexpr std::int64_t kOthers = 2048;

void check_count(ConstFeatures features, std::int64_t count) {
  if (features.cols == 0) throw UserError("the rows have no columns; give at least one feature");
  if (count < 1 || count >= features.rows)
    throw UserError("{} neighbours were asked for: allowed is 1 to {}, the other rows", count,
                    features.rows - 1);
}

using Candidate = std::pair<float, std::int64_t>;  // distance, row

/// Keeps the `count` smallest candidates in a heap whose top is the largest of them.
void offer(std::vector<Candidate>& heap, std::size_t count, Candidate candidate) {
  if (heap.size() < count) {
    heap.push_back(candidate);
    std::push_heap(heap.begin(), heap.end());
  } else if (candidate < heap.front()) {
    std::pop_heap(heap.begin(), heap.end());
    heap.back() = candidate;
    std::push_heap(heap.begin(), heap.end());
  }
}

}  // namespace

Neighbours nearest_neighbours_blocked(ConstFeatures features, std::int64_t count,
                                      const ShallowContext& context) {
  check_count(features, count);
  const std::int64_t n = features.rows;
  const PreparedRows rows(features, PreparedRows::mean_of(features, false), false);
  Neighbours result{Matrix<std::int64_t>(n, count), Matrix<float>(n, count)};
  parallel_for((n + kQueries - 1) / kQueries, 1, [&](std::int64_t begin, std::int64_t end) {
    Matrix<float> queries(kQueries, features.cols), others(kOthers, features.cols);
    Matrix<float> products(kQueries, kOthers);
    std::vector<float> query_squares(kQueries), other_squares(kOthers);
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * kQueries, size = std::min(kQueries, n - first);
      for (std::int64_t q = 0; q < size; ++q) {
        rows.load(first + q, queries.row(q));
        query_squares[q] = static_cast<float>(squared_length(queries.row(q), features.cols));
      }
      std::vector<std::vector<Candidate>> heaps(static_cast<std::size_t>(size));
      for (std::int64_t start = 0; start < n; start += kOthers) {
        context.check_cancelled();
        const std::int64_t width = std::min(kOthers, n - start);
        for (std::int64_t o = 0; o < width; ++o) {
          rows.load(start + o, others.row(o));
          other_squares[o] = static_cast<float>(squared_length(others.row(o), features.cols));
        }
        MapF(products.data(), size, width).noalias() =
            ConstMapF(queries.data(), size, features.cols) *
            ConstMapF(others.data(), width, features.cols).transpose();
        for (std::int64_t q = 0; q < size; ++q)
          for (std::int64_t o = 0; o < width; ++o) {
            if (start + o == first + q) continue;
            const float product = products.data()[q * width + o];
            const float distance = query_squares[q] + other_squares[o] - 2.0f * product;
            offer(heaps[q], static_cast<std::size_t>(count), {std::max(0.0f, distance), start + o});
          }
      }
      for (std::int64_t q = 0; q < size; ++q) {
        std::sort_heap(heaps[q].begin(), heaps[q].end());
        for (std::int64_t j = 0; j < count; ++j) {
          result.distances(first + q, j) = heaps[q][j].first;
          result.rows(first + q, j) = heaps[q][j].second;
        }
      }
    }
  });
  return result;
}

#if defined(COTERIE_FAISS)

Neighbours nearest_neighbours(ConstFeatures features, std::int64_t count,
                              const ShallowContext& context) {
  check_count(features, count);
  const std::int64_t n = features.rows;
  faiss::IndexFlatL2 index(features.cols);
  index.add(n, features.data);
  Neighbours result{Matrix<std::int64_t>(n, count), Matrix<float>(n, count)};
  // One more is asked for, as a row finds itself too; in pieces, so that a signal is heard.
  constexpr std::int64_t kPiece = 4096;
  Matrix<float> distances(kPiece, count + 1);
  std::vector<faiss::Index::idx_t> found(static_cast<std::size_t>(kPiece * (count + 1)));
  for (std::int64_t first = 0; first < n; first += kPiece) {
    context.check_cancelled();
    const std::int64_t size = std::min(kPiece, n - first);
    index.search(size, features.row(first), count + 1, distances.data(), found.data());
    for (std::int64_t q = 0; q < size; ++q) {
      std::int64_t place = 0;
      for (std::int64_t j = 0; j <= count && place < count; ++j) {
        const auto row = static_cast<std::int64_t>(found[q * (count + 1) + j]);
        if (row == first + q) continue;
        result.rows(first + q, place) = row;
        result.distances(first + q, place++) = distances(q, j);
      }
    }
  }
  return result;
}

#else

Neighbours nearest_neighbours(ConstFeatures features, std::int64_t count,
                              const ShallowContext& context) {
  return nearest_neighbours_blocked(features, count, context);
}

#endif

}  // namespace coterie
