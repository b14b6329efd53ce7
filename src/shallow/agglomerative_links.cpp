#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>

#include "coterie/core/parallel.h"
#include "coterie/shallow/agglomerative_rounds.h"
#include "coterie/shallow/row_blocks.h"
#include "coterie/shallow/row_distance.h"
#include "coterie/shallow/rows.h"

namespace coterie {
namespace {

/// Rows in groups of 16 with a column's 16 values side by side: a distance to 16 rows at once
/// whatever the number of columns. Rows leave by having the last one moved to their place.
class Lanes {
 public:
  static constexpr std::int64_t kLanes = 16;

  Lanes(std::int64_t capacity, std::int64_t columns)
      : columns_(columns), values_((capacity + kLanes - 1) / kLanes, columns * kLanes) {
    items_.reserve(static_cast<std::size_t>(capacity));
    distances_.assign(static_cast<std::size_t>(values_.rows() * kLanes),
                      std::numeric_limits<double>::infinity());
    nearest_.resize(distances_.size());
  }

  void add(std::int64_t item, const float* row) {
    for (std::int64_t d = 0; d < columns_; ++d) cell(size(), d) = row[d];
    items_.push_back(item);
  }

  void remove(std::int64_t place) {
    const std::int64_t last = size() - 1;
    for (std::int64_t d = 0; d < columns_; ++d) cell(place, d) = cell(last, d);
    items_[place] = items_[last];
    distances_[place] = distances_[last];
    nearest_[place] = nearest_[last];
    items_.pop_back();
  }

  /// Lowers each row's distance to that of `item`, with the values `row`, where that is nearer.
  /// Returns the place of the nearest of all; equal ones go to the lower item. -1 where empty.
  std::int64_t offer(std::int64_t item, const float* row) {
    std::int64_t best = -1;
    for (std::int64_t first = 0; first < size(); first += kLanes) {
      double squares[kLanes] = {};
      const float* values = values_.row(first / kLanes);
      for (std::int64_t d = 0; d < columns_; ++d, values += kLanes)
        for (std::int64_t lane = 0; lane < kLanes; ++lane) {
          const double step = static_cast<double>(values[lane]) - static_cast<double>(row[d]);
          squares[lane] += step * step;
        }
      for (std::int64_t place = first; place < std::min(first + kLanes, size()); ++place) {
        const double square = squares[place - first];
        if (square < distances_[place]) {
          distances_[place] = square;
          nearest_[place] = item;
        }
        if (best < 0 || distances_[place] < distances_[best] ||
            (distances_[place] == distances_[best] && items_[place] < items_[best]))
          best = place;
      }
    }
    return best;
  }

  std::int64_t size() const { return static_cast<std::int64_t>(items_.size()); }
  std::int64_t item(std::int64_t place) const { return items_[place]; }
  double distance(std::int64_t place) const { return distances_[place]; }
  std::int64_t nearest(std::int64_t place) const { return nearest_[place]; }

 private:
  float& cell(std::int64_t place, std::int64_t d) {
    return values_(place / kLanes, d * kLanes + place % kLanes);
  }

  std::int64_t columns_;
  Matrix<float> values_;  // [groups, D * 16]
  std::vector<std::int64_t> items_;
  std::vector<double> distances_;  // squared, to the tree
  std::vector<std::int64_t> nearest_;
};

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The rows [first, first + count) of `rows` in double, minus the mean, and their squared lengths.
void load_block(const PreparedRows& prepared, std::span<const std::int64_t> rows,
                std::int64_t first, RowMajor& x, Eigen::VectorXd& squares) {
  for (std::int64_t b = 0; b < x.rows(); ++b) prepared.load(rows[first + b], x.row(b).data());
  squares = x.rowwise().squaredNorm();
}

}  // namespace

std::vector<Join> link_single(ConstFeatures features, std::span<const std::int64_t> rows,
                              const ShallowContext& context) {
  const auto count = static_cast<std::int64_t>(rows.size());
  const int threads = static_cast<int>(std::clamp<double>(
      static_cast<double>(count) * static_cast<double>(features.cols) / 1e5, 1, thread_count()));
  struct alignas(64) Offer {
    std::int64_t place = -1;
  };
  std::vector<Lanes> lanes;
  for (int rank = 0; rank < threads; ++rank) lanes.emplace_back(count / threads + 1, features.cols);
  // Dealt in turn: rows leave in an order that follows the clusters, and data are often sorted.
  for (std::int64_t i = 1; i < count; ++i) lanes[i % threads].add(i, features.row(rows[i]));
  std::vector<Offer> offers(static_cast<std::size_t>(threads));
  std::vector<Join> joins;
  joins.reserve(rows.size());
  std::int64_t latest = 0;
  bool stopped = false;
  if (context.progress) context.progress->begin("spanning tree", count - 1);
  Team::run(threads, [&](int rank, Team& team) {
    for (std::int64_t step = 1; step < count; ++step) {
      offers[rank].place = lanes[rank].offer(latest, features.row(rows[latest]));
      team.wait();
      if (rank == 0) {
        int winner = -1;
        const auto better = [&](int a, int b) {
          const double mine = lanes[a].distance(offers[a].place);
          const double other = lanes[b].distance(offers[b].place);
          return mine < other ||
                 (mine == other && lanes[a].item(offers[a].place) < lanes[b].item(offers[b].place));
        };
        for (int r = 0; r < threads; ++r)
          if (offers[r].place >= 0 && (winner < 0 || better(r, winner))) winner = r;
        Lanes& from = lanes[winner];
        const std::int64_t place = offers[winner].place;
        latest = from.item(place);
        joins.push_back({from.nearest(place), latest, std::sqrt(from.distance(place))});
        from.remove(place);
        stopped = context.cancel && context.cancel->cancelled();
        if (context.progress && step % 1024 == 0) context.progress->update(step);
      }
      team.wait();
      if (stopped) return;
    }
  });
  context.check_cancelled();
  if (context.progress) context.progress->end();
  return joins;
}

void euclidean_distances(ConstFeatures features, std::span<const std::int64_t> rows,
                         PairDistances& distances, const ShallowContext& context) {
  const std::int64_t block_rows = row_block(features.cols);
  const auto count = static_cast<std::int64_t>(rows.size());
  const PreparedRows prepared(features, PreparedRows::mean_of(features, false), false);
  const std::int64_t blocks = (count + block_rows - 1) / block_rows;
  std::atomic<std::int64_t> done{0};
  if (context.progress) context.progress->begin("distances", blocks);
  // The longest strips first, one at a time.
  parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t strip = begin; strip < end; ++strip) {
      const std::int64_t first = (blocks - 1 - strip) * block_rows;
      RowMajor x(std::min(block_rows, count - first), features.cols), y, products;
      Eigen::VectorXd x_squares, y_squares;
      load_block(prepared, rows, first, x, x_squares);
      for (std::int64_t start = 0; start <= first; start += block_rows) {
        context.check_cancelled();
        y.resize(std::min(block_rows, count - start), features.cols);
        load_block(prepared, rows, start, y, y_squares);
        products.noalias() = x * y.transpose();
        for (std::int64_t b = 0; b < x.rows(); ++b) {
          float* out = distances.row(first + b);
          for (std::int64_t c = 0; c < std::min<std::int64_t>(y.rows(), first + b - start); ++c) {
            const double lengths = x_squares[b] + y_squares[c];
            const double square = lengths - 2 * products(b, c);
            // What is left of two nearly equal rows is mostly rounding.
            out[start + c] = static_cast<float>(
                square > 1e-6 * lengths
                    ? std::sqrt(square)
                    : std::sqrt(squared_distance(features.row(rows[first + b]),
                                                 features.row(rows[start + c]), features.cols)));
          }
        }
      }
      if (context.progress) context.progress->update(++done);
    }
  });
  if (context.progress) context.progress->end();
}

std::vector<Join> link_rows(ConstFeatures features, std::span<const std::int64_t> rows,
                            std::vector<double> weights, bool complete,
                            const ShallowContext& context) {
  PairDistances distances(static_cast<std::int64_t>(rows.size()),
                          "use linkage=ward, or fewer rows");
  euclidean_distances(features, rows, distances, context);
  return link_pairs(distances, std::move(weights), complete, context);
}

}  // namespace coterie
