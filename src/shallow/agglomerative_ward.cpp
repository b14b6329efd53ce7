#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "coterie/core/parallel.h"
#include "coterie/shallow/agglomerative_rounds.h"
#include "coterie/shallow/distances.h"
#include "coterie/shallow/rows.h"

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MapF = Eigen::Map<RowMajorF>;
using ConstMapF = Eigen::Map<const RowMajorF>;
using ArrayF = Eigen::Map<Eigen::Array<float, 1, Eigen::Dynamic>>;
using ConstArrayF = Eigen::Map<const Eigen::Array<float, 1, Eigen::Dynamic>>;

constexpr std::int64_t kQueries = 256;
constexpr std::int64_t kTile = 1024;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Clusters as means and sizes. The distance is the cost of a merge, what it adds to the sum of
/// squares about the means: n_A n_B / (n_A + n_B) |mean_A - mean_B|^2.
///
/// A table of the means in float, without those of clusters that are gone, serves matrix products;
/// from them comes a lower bound of each cost. Only where that is below the best cost so far is
/// the cost computed in double, from the rows or double means themselves.
class WardSpace : public MergeSpace {
 public:
  WardSpace(ConstFeatures features, std::span<const std::int64_t> rows,
            std::vector<double> weights);

  void search(std::span<const std::int32_t> queries, std::vector<Nearest>& nearest,
              const ShallowContext& context) override;
  void merge(std::span<const Pair> pairs) override;
  double height(double cost) const override { return std::sqrt(2 * cost); }

 private:
  struct Block;

  std::int64_t places() const { return static_cast<std::int64_t>(slot_at_.size()); }
  void load_mean(std::int32_t slot, double* out) const;
  void fill_place(std::int64_t place, const double* mean);
  double cost(const double* mean, std::int32_t a, std::int32_t b) const;
  void search_tile(Block& block, std::int64_t first, std::vector<Nearest>& nearest) const;
  void search_row(Block& block, std::int64_t q, std::int64_t first, Nearest& best) const;
  void compact();

  ConstFeatures features_;
  std::span<const std::int64_t> rows_;
  std::vector<double> sizes_;  // by slot
  std::vector<double> centre_;
  double scale_ = 1;  // keeps the table's squares within float
  float slack_;       // relative error of a squared distance made of products

  Matrix<double> means_;             // of merged clusters
  std::vector<std::int32_t> mean_;   // by slot: row of means_, -1 for a single row
  std::vector<std::int32_t> spare_;  // rows of means_ that are free

  Matrix<float> table_;                // [places, D]
  std::vector<std::int32_t> slot_at_;  // by place: -1 where the cluster is gone
  std::vector<std::int64_t> place_;    // by slot
  std::vector<float> squares_;         // by place: |mean|^2 less the slack, infinite where gone
  std::vector<float> inverse_sizes_;   // by place
  std::int64_t gone_ = 0;
};

/// Queries that are searched for together.
struct WardSpace::Block {
  std::span<const std::int32_t> slots;
  Matrix<float> x;              // [queries, D]
  Matrix<float> bounds;         // [queries, kTile]
  std::vector<double> mean;     // of the query that is checked
  std::int32_t mean_slot = -1;  // whose that is
};

WardSpace::WardSpace(ConstFeatures features, std::span<const std::int64_t> rows,
                     std::vector<double> weights)
    : MergeSpace(static_cast<std::int64_t>(rows.size())),
      features_(features),
      rows_(rows),
      sizes_(std::move(weights)),
      centre_(PreparedRows::mean_of(features, false)),
      // Worst case of a product of D terms and of rounding its factors and results.
      slack_(static_cast<float>(features.cols + 16) * 0x1p-23f),
      means_(slots() / 2, features.cols),
      mean_(rows.size(), -1),
      table_(slots(), features.cols),
      slot_at_(rows.size()),
      place_(rows.size()),
      squares_(rows.size()),
      inverse_sizes_(rows.size()) {
  for (std::int64_t free = means_.rows(); free-- > 0;)
    spare_.push_back(static_cast<std::int32_t>(free));
  double largest = 0;
  for (const std::int64_t row : rows)
    for (std::int64_t d = 0; d < features.cols; ++d)
      largest = std::max(largest, std::abs(features(row, d) - centre_[d]));
  if (largest > 0) scale_ = 1 / largest;
  parallel_for(slots(), 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> mean(centre_.size());
    for (std::int64_t slot = begin; slot < end; ++slot) {
      slot_at_[slot] = static_cast<std::int32_t>(slot);
      place_[slot] = slot;
      load_mean(slot_at_[slot], mean.data());
      fill_place(slot, mean.data());
    }
  });
}

void WardSpace::load_mean(std::int32_t slot, double* out) const {
  if (mean_[slot] >= 0) {
    std::copy_n(means_.row(mean_[slot]), features_.cols, out);
  } else {
    std::copy_n(features_.row(rows_[slot]), features_.cols, out);
  }
}

void WardSpace::fill_place(std::int64_t place, const double* mean) {
  float* row = table_.row(place);
  for (std::int64_t d = 0; d < features_.cols; ++d)
    row[d] = static_cast<float>((mean[d] - centre_[d]) * scale_);
  squares_[place] =
      static_cast<float>(squared_length(row, features_.cols) * (1 - static_cast<double>(slack_)));
  inverse_sizes_[place] = static_cast<float>(1 / sizes_[slot_at_[place]]);
}

double WardSpace::cost(const double* mean, std::int32_t a, std::int32_t b) const {
  double square = 0;
  if (mean_[b] >= 0) {
    const double* other = means_.row(mean_[b]);
    double partial[8] = {};
    std::int64_t d = 0;
    for (; d + 8 <= features_.cols; d += 8)
      for (int lane = 0; lane < 8; ++lane)
        partial[lane] += (mean[d + lane] - other[d + lane]) * (mean[d + lane] - other[d + lane]);
    for (; d < features_.cols; ++d) square += (mean[d] - other[d]) * (mean[d] - other[d]);
    for (const double part : partial) square += part;
  } else {
    square = squared_distance(features_.row(rows_[b]), mean, features_.cols);
  }
  return sizes_[a] * sizes_[b] / (sizes_[a] + sizes_[b]) * square;
}

void WardSpace::search(std::span<const std::int32_t> queries, std::vector<Nearest>& nearest,
                       const ShallowContext& context) {
  const auto count = static_cast<std::int64_t>(queries.size());
  const std::int64_t size = std::clamp<std::int64_t>((count + thread_count() - 1) / thread_count(),
                                                     std::min<std::int64_t>(count, 1), kQueries);
  const double work = static_cast<double>(size) * static_cast<double>(places() * features_.cols);
  const auto grain = static_cast<std::int64_t>(1 + 5e5 / (work + 1));
  parallel_for((count + size - 1) / size, grain, [&](std::int64_t begin, std::int64_t end) {
    Block block{{}, {size, features_.cols}, {size, kTile}, std::vector<double>(centre_.size()), -1};
    for (std::int64_t start = begin * size; start < std::min(end * size, count); start += size) {
      block.slots = queries.subspan(start, std::min(size, count - start));
      for (std::size_t q = 0; q < block.slots.size(); ++q) {
        std::copy_n(table_.row(place_[block.slots[q]]), features_.cols, block.x.row(q));
        nearest[block.slots[q]] = {};
      }
      for (std::int64_t first = 0; first < places(); first += kTile) {
        context.check_cancelled();
        search_tile(block, first, nearest);
      }
    }
  });
}

void WardSpace::search_tile(Block& block, std::int64_t first, std::vector<Nearest>& nearest) const {
  const std::int64_t width = std::min(kTile, places() - first), columns = features_.cols;
  const auto count = static_cast<std::int64_t>(block.slots.size());
  MapF bounds(block.bounds.data(), count, width);
  bounds.noalias() = ConstMapF(block.x.data(), count, columns) *
                     ConstMapF(table_.row(first), width, columns).transpose();
  const ConstArrayF squares(squares_.data() + first, width);
  const ConstArrayF inverse_sizes(inverse_sizes_.data() + first, width);
  for (std::int64_t q = 0; q < count; ++q) {
    const std::int32_t slot = block.slots[q];
    const std::int64_t place = place_[slot];
    ArrayF row(block.bounds.data() + q * width, width);
    row = (squares_[place] + squares - 2.0f * row) / (inverse_sizes_[place] + inverse_sizes);
    if (place >= first && place < first + width) row[place - first] = kInfinity;
    search_row(block, q, first, nearest[slot]);
  }
}

void WardSpace::search_row(Block& block, std::int64_t q, std::int64_t first, Nearest& best) const {
  const std::int64_t width = std::min(kTile, places() - first);
  const ConstArrayF bounds(block.bounds.data() + q * width, width);
  const std::int32_t slot = block.slots[q];
  const auto limit = [&] {
    return static_cast<float>(best.distance * scale_ * scale_) * (1 + 1e-6f);
  };
  const auto check = [&](std::int64_t place) {
    const std::int32_t other = slot_at_[place];
    const Nearest candidate{other, cost(block.mean.data(), slot, other), order(slot, other)};
    if (candidate < best) best = candidate;
  };
  Eigen::Index lowest = 0;
  const float least = bounds.minCoeff(&lowest);
  if (least > limit() || least == kInfinity) return;
  if (block.mean_slot != slot) {
    load_mean(slot, block.mean.data());
    block.mean_slot = slot;
  }
  check(first + lowest);
  for (std::int64_t j = 0; j < width; ++j)
    if (bounds[j] <= limit() && bounds[j] < kInfinity && j != lowest) check(first + j);
}

void WardSpace::merge(std::span<const Pair> pairs) {
  // Rows of means_ are handed out before the loop, and given back after it: inside, a pair may
  // still read what another would overwrite. Half as many rows as there were clusters suffice, as a
  // merged cluster has at least two of them.
  std::vector<std::int32_t> target(pairs.size());
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const auto [kept, gone] = pairs[p];
    std::int32_t room = mean_[kept] >= 0 ? mean_[kept] : mean_[gone];
    if (room < 0) {
      room = spare_.back();
      spare_.pop_back();
    }
    target[p] = room;
  }
  parallel_for(static_cast<std::int64_t>(pairs.size()), 256,
               [&](std::int64_t begin, std::int64_t end) {
                 std::vector<double> a(centre_.size()), b(centre_.size());
                 for (std::int64_t p = begin; p < end; ++p) {
                   const auto [kept, gone] = pairs[p];
                   load_mean(kept, a.data());
                   load_mean(gone, b.data());
                   const double size = sizes_[kept] + sizes_[gone];
                   for (std::size_t d = 0; d < a.size(); ++d)
                     a[d] = (sizes_[kept] * a[d] + sizes_[gone] * b[d]) / size;
                   std::copy(a.begin(), a.end(), means_.row(target[p]));
                   sizes_[kept] = size;
                   fill_place(place_[kept], a.data());
                   squares_[place_[gone]] = kInfinity;
                 }
               });
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const std::int32_t unused = mean_[pairs[p].gone];
    if (unused >= 0 && unused != target[p]) spare_.push_back(unused);
    mean_[pairs[p].kept] = target[p];
    slot_at_[place_[pairs[p].gone]] = -1;
    mark_new(pairs[p].kept);
  }
  gone_ += static_cast<std::int64_t>(pairs.size());
  if (8 * gone_ > places()) compact();
}

void WardSpace::compact() {
  std::int64_t to = 0;
  for (std::int64_t place = 0; place < places(); ++place) {
    if (slot_at_[place] < 0) continue;
    if (to < place) {
      std::copy_n(table_.row(place), features_.cols, table_.row(to));
      slot_at_[to] = slot_at_[place];
      squares_[to] = squares_[place];
      inverse_sizes_[to] = inverse_sizes_[place];
    }
    place_[slot_at_[to]] = to;
    ++to;
  }
  slot_at_.resize(static_cast<std::size_t>(to));
  gone_ = 0;
}

}  // namespace

std::vector<Join> link_ward(ConstFeatures features, std::span<const std::int64_t> rows,
                            std::vector<double> weights, const ShallowContext& context) {
  WardSpace space(features, rows, std::move(weights));
  return merge_in_rounds(space, context);
}

}  // namespace coterie
