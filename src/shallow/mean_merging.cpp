#include "coterie/shallow/mean_merging.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/shallow/neighbours.h"
#include "coterie/shallow/row_distance.h"

namespace coterie {
namespace {

/// The clusters that are left, each with its cheapest partner.
class Merger {
 public:
  Merger(Matrix<float> means, std::vector<std::int64_t> sizes, MergeCost cost,
         const ShallowContext& context)
      : means_(std::move(means)),
        sizes_(std::move(sizes)),
        ward_(cost == MergeCost::ward),
        distance_(means_.view(), cost == MergeCost::cosine_centroid),
        left_(static_cast<std::size_t>(means_.rows())),
        partners_(left_.size()) {
    std::iota(left_.begin(), left_.end(), std::int64_t{0});
    find_first_partners(cost, context);
  }

  std::int64_t left() const { return static_cast<std::int64_t>(left_.size()); }

  /// Merges the cheapest pair; returns the cluster that stays and the one that goes.
  std::pair<std::int64_t, std::int64_t> merge() {
    const std::int64_t cheapest = *std::min_element(
        left_.begin(), left_.end(),
        [&](std::int64_t a, std::int64_t b) { return partners_[a].first < partners_[b].first; });
    const auto [stays, goes] = std::minmax(cheapest, partners_[cheapest].second);
    const double share =
        static_cast<double>(sizes_[goes]) / static_cast<double>(sizes_[stays] + sizes_[goes]);
    for (std::int64_t d = 0; d < means_.cols(); ++d)
      means_(stays, d) =
          static_cast<float>(means_(stays, d) + share * (means_(goes, d) - means_(stays, d)));
    sizes_[stays] += sizes_[goes];
    distance_.row_changed(stays);
    left_.erase(std::lower_bound(left_.begin(), left_.end(), goes));
    const std::int64_t kept = stays, gone = goes;
    for_left(
        [&](std::int64_t i) {
          const std::int64_t partner = partners_[i].second;
          if (i == kept || partner == kept || partner == gone)
            partners_[i] = search(i);
          else
            partners_[i] = std::min(partners_[i], Partner{cost(i, kept), kept});
        },
        4);
    return {kept, gone};
  }

 private:
  using Partner = std::pair<double, std::int64_t>;  // cost, cluster

  void find_first_partners(MergeCost merge_cost, const ShallowContext& context) {
    if (ward_) {
      for_left(
          [&](std::int64_t i) {
            context.check_cancelled();
            partners_[i] = search(i);
          },
          left_.size());
      return;
    }
    const Neighbours nearest = nearest_neighbours(
        means_, 1,
        {.search = NeighbourSearch::exact, .cosine = merge_cost == MergeCost::cosine_centroid},
        context);
    for (const std::int64_t i : left_)
      partners_[i] = {cost(i, nearest.rows(i, 0)), nearest.rows(i, 0)};
  }

  double cost(std::int64_t a, std::int64_t b) const {
    const double distance = distance_(a, b);
    if (!ward_) return distance;
    const auto n = static_cast<double>(sizes_[a]), m = static_cast<double>(sizes_[b]);
    return n * m / (n + m) * distance;
  }

  Partner search(std::int64_t i) const {
    Partner best{std::numeric_limits<double>::infinity(), std::numeric_limits<std::int64_t>::max()};
    for (const std::int64_t j : left_)
      if (j != i) best = std::min(best, Partner{cost(i, j), j});
    return best;
  }

  /// Calls `work` for each cluster that is left, of which about `searches` look at all others; in
  /// threads where that is worth starting them.
  template <class Work>
  void for_left(Work&& work, std::size_t searches) {
    const double operations = static_cast<double>(left_.size()) * means_.cols() * searches;
    const std::int64_t grain = operations > 2e6 ? 16 : left();
    parallel_for(left(), grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t place = begin; place < end; ++place) work(left_[place]);
    });
  }

  Matrix<float> means_;
  std::vector<std::int64_t> sizes_;
  bool ward_;
  RowDistance distance_;
  std::vector<std::int64_t> left_;  // rising
  std::vector<Partner> partners_;
};

}  // namespace

Matrix<float> means_of_labels(ConstFeatures features, const std::vector<std::int32_t>& labels,
                              std::int64_t clusters) {
  // Rows by label, so that threads share no sum and no [K, D] matrix of doubles is held.
  std::vector<std::int64_t> starts(static_cast<std::size_t>(clusters + 1));
  for (const std::int32_t label : labels) ++starts[label + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  std::vector<std::int64_t> next(starts.begin(), starts.end() - 1), order(labels.size());
  for (std::int64_t i = 0; i < features.rows; ++i) order[next[labels[i]]++] = i;
  Matrix<float> means(clusters, features.cols);
  parallel_for(clusters, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sum(static_cast<std::size_t>(features.cols));
    for (std::int64_t k = begin; k < end; ++k) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (std::int64_t place = starts[k]; place < starts[k + 1]; ++place) {
        const float* row = features.row(order[place]);
        for (std::int64_t d = 0; d < features.cols; ++d) sum[d] += row[d];
      }
      const auto size = static_cast<double>(std::max<std::int64_t>(starts[k + 1] - starts[k], 1));
      for (std::int64_t d = 0; d < features.cols; ++d)
        means(k, d) = static_cast<float>(sum[d] / size);
    }
  });
  return means;
}

std::vector<std::int32_t> merge_means(Matrix<float> means, std::vector<std::int64_t> sizes,
                                      std::int64_t target, MergeCost cost,
                                      const ShallowContext& context) {
  const std::int64_t count = means.rows();
  std::vector<std::int64_t> into(static_cast<std::size_t>(count));
  std::iota(into.begin(), into.end(), std::int64_t{0});
  if (count > target) {
    Merger merger(std::move(means), std::move(sizes), cost, context);
    if (context.progress) context.progress->begin("merging clusters", count - target);
    while (merger.left() > target) {
      context.check_cancelled();
      const auto [stays, goes] = merger.merge();
      into[goes] = stays;
      if (context.progress) context.progress->update(count - merger.left());
    }
    if (context.progress) context.progress->end();
  }
  // The one that stays has the lower number, so a pass from below meets it first.
  std::vector<std::int32_t> labels(into.size());
  std::int32_t next = 0;
  for (std::size_t i = 0; i < into.size(); ++i)
    labels[i] = into[i] == static_cast<std::int64_t>(i) ? next++ : labels[into[i]];
  return labels;
}

}  // namespace coterie
