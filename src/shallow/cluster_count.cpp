#include "coterie/shallow/cluster_count.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "coterie/core/random.h"
#include "coterie/core/text.h"
#include "coterie/metrics/scores.h"
#include "coterie/metrics/silhouette.h"
#include "coterie/shallow/rows.h"

namespace coterie {
namespace {

/// Log of the sum of squared distances to the clusters' means.
double log_dispersion(ConstFeatures rows, const std::vector<std::int32_t>& labels,
                      std::int64_t clusters) {
  Matrix<double> means(clusters, rows.cols);
  std::vector<double> sizes(static_cast<std::size_t>(clusters));
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    sizes[labels[i]] += 1;
    for (std::int64_t d = 0; d < rows.cols; ++d) means(labels[i], d) += rows(i, d);
  }
  for (std::int64_t k = 0; k < clusters; ++k)
    for (std::int64_t d = 0; d < rows.cols; ++d) means(k, d) /= std::max(sizes[k], 1.0);
  double total = 0;
  for (std::int64_t i = 0; i < rows.rows; ++i)
    for (std::int64_t d = 0; d < rows.cols; ++d) {
      const double step = rows(i, d) - means(labels[i], d);
      total += step * step;
    }
  return std::log(std::max(total, std::numeric_limits<double>::min()));
}

/// Points drawn uniformly from the box that holds the rows.
Matrix<float> structureless(ConstFeatures rows, RandomStream& stream) {
  std::vector<float> low(rows.row(0), rows.row(0) + rows.cols), high = low;
  for (std::int64_t i = 1; i < rows.rows; ++i)
    for (std::int64_t d = 0; d < rows.cols; ++d) {
      low[d] = std::min(low[d], rows(i, d));
      high[d] = std::max(high[d], rows(i, d));
    }
  Matrix<float> points(rows.rows, rows.cols);
  for (std::int64_t i = 0; i < rows.rows; ++i)
    for (std::int64_t d = 0; d < rows.cols; ++d)
      points(i, d) = static_cast<float>(low[d] + stream.uniform() * (high[d] - low[d]));
  return points;
}

/// Random row numbers, four of five, in their own order.
std::vector<std::int64_t> four_fifths(std::int64_t rows, RandomStream& stream) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(rows));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  stream.shuffle(std::span(all));
  all.resize(static_cast<std::size_t>(std::max<std::int64_t>(2, rows * 4 / 5)));
  std::sort(all.begin(), all.end());
  return all;
}

Matrix<float> rows_at(ConstFeatures rows, const std::vector<std::int64_t>& places) {
  Matrix<float> taken(static_cast<std::int64_t>(places.size()), rows.cols);
  for (std::size_t i = 0; i < places.size(); ++i)
    std::copy_n(rows.row(places[i]), rows.cols, taken.row(static_cast<std::int64_t>(i)));
  return taken;
}

/// One sweep over a sample.
class Sweep {
 public:
  Sweep(ConstFeatures sample, const LabelRows& label_rows, const ClusterCountParams& params,
        const ShallowContext& context)
      : sample_(sample), label_rows_(label_rows), params_(params), context_(context) {
    RandomStream stream(context.seed, "number of clusters");
    for (int r = 0; r < params.references; ++r)
      references_.push_back(structureless(sample, stream));
    for (int s = 0; s < 2 * params.splits; ++s) parts_.push_back(four_fifths(sample.rows, stream));
  }

  ClusterCountScore score(std::int64_t clusters) const {
    ClusterCountScore result{.clusters = clusters};
    const auto labels = label(sample_, clusters, 0);
    result.silhouette = filled(labels) > 1 ? silhouette(sample_, labels, context_.cancel) : -1.0;
    score_gap(labels, result);
    result.stability = stability(clusters);
    return result;
  }

 private:
  std::vector<std::int32_t> label(ConstFeatures rows, std::int64_t clusters, int run) const {
    context_.check_cancelled();
    return label_rows_(rows, clusters, context_.seed + static_cast<std::uint64_t>(run));
  }

  static std::int64_t filled(std::vector<std::int32_t> labels) {
    std::sort(labels.begin(), labels.end());
    return std::unique(labels.begin(), labels.end()) - labels.begin();
  }

  void score_gap(const std::vector<std::int32_t>& labels, ClusterCountScore& result) const {
    const std::int64_t k = result.clusters;
    double sum = 0, squares = 0;
    for (const auto& reference : references_) {
      const double value = log_dispersion(reference, label(reference, k, 0), k);
      sum += value;
      squares += value * value;
    }
    const auto count = static_cast<double>(references_.size());
    const double mean = sum / count;
    result.gap = mean - log_dispersion(sample_, labels, k);
    result.gap_error =
        std::sqrt(std::max(0.0, squares / count - mean * mean) * (1.0 + 1.0 / count));
  }

  double stability(std::int64_t clusters) const {
    double total = 0;
    for (int s = 0; s < params_.splits; ++s) {
      const auto& a = parts_[2 * s];
      const auto& b = parts_[2 * s + 1];
      const Matrix<float> rows_a = rows_at(sample_, a), rows_b = rows_at(sample_, b);
      // Clusters that a part of the rows does not hold do not come again.
      if (count_distinct_rows(rows_a, clusters) < clusters ||
          count_distinct_rows(rows_b, clusters) < clusters)
        continue;
      const auto labels_a = label(rows_a, clusters, 2 * s + 1);
      const auto labels_b = label(rows_b, clusters, 2 * s + 2);
      std::vector<std::int32_t> both_a, both_b;
      for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        if (a[i] == b[j]) {
          both_a.push_back(labels_a[i]);
          both_b.push_back(labels_b[j]);
        }
        const bool forward_a = a[i] <= b[j], forward_b = b[j] <= a[i];
        i += forward_a;
        j += forward_b;
      }
      total += both_a.empty() ? 0.0 : adjusted_rand_index(both_a, both_b);
    }
    return total / params_.splits;
  }

  ConstFeatures sample_;
  const LabelRows& label_rows_;
  const ClusterCountParams& params_;
  const ShallowContext& context_;
  std::vector<Matrix<float>> references_;
  std::vector<std::vector<std::int64_t>> parts_;
};

/// What decides: clusters that lie apart, and that come again from other rows.
double support(const ClusterCountScore& score) {
  return score.silhouette > 0 ? score.silhouette * std::max(0.0, score.stability)
                              : score.silhouette;
}

/// The first K whose gap is no less than the next one's by more than its error (Tibshirani et al.);
/// 0 where there is none.
std::int64_t clusters_by_gap(const std::vector<ClusterCountScore>& curve) {
  for (std::size_t i = 0; i + 1 < curve.size(); ++i)
    if (curve[i].gap >= curve[i + 1].gap - curve[i + 1].gap_error) return curve[i].clusters;
  return 0;
}

}  // namespace

ClusterCountChoice choose_cluster_count(ConstFeatures features, const LabelRows& label_rows,
                                        const ClusterCountParams& params,
                                        const ShallowContext& context) {
  check_clustering_input(features, 2);
  RandomStream stream(context.seed, "number of clusters, sample");
  const Matrix<float> sample =
      sample_rows(features, std::min(features.rows, params.sample_rows), stream);
  // Parts of the sample are to hold so many different rows, too.
  const std::int64_t distinct = count_distinct_rows(sample, 4 * params.most);
  const std::int64_t most = std::clamp<std::int64_t>(distinct / 2, 2, params.most);
  if (distinct < 2)
    throw UserError(
        "the sample of {} rows holds no two different ones; give the number of "
        "clusters",
        sample.rows());
  const Sweep sweep(sample, label_rows, params, context);
  if (context.progress) context.progress->begin("number of clusters", most - 1);
  std::vector<ClusterCountScore> curve;
  for (std::int64_t k = 2; k <= most; ++k) {
    curve.push_back(sweep.score(k));
    if (context.progress)
      context.progress->update(k - 1, fmt::format("K = {}, silhouette {:.3f}, stability {:.3f}", k,
                                                  curve.back().silhouette, curve.back().stability));
  }
  if (context.progress) context.progress->end();
  return choose_from_curve(std::move(curve));
}

ClusterCountChoice choose_from_curve(std::vector<ClusterCountScore> curve) {
  if (curve.empty()) throw UserError("no number of clusters was tried; allow 2 at least");
  std::vector<std::size_t> peaks;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const double here = support(curve[i]);
    if ((i == 0 || here > support(curve[i - 1])) &&
        (i + 1 == curve.size() || here >= support(curve[i + 1])))
      peaks.push_back(i);
  }
  std::stable_sort(peaks.begin(), peaks.end(), [&](std::size_t a, std::size_t b) {
    return support(curve[a]) > support(curve[b]);
  });
  const ClusterCountScore& best = curve[peaks.front()];
  std::string reason = fmt::format(
      "K = {} has the highest silhouette times stability ({:.3f} x {:.3f}) of K = 2 to {}",
      best.clusters, best.silhouette, best.stability, curve.back().clusters);
  const std::int64_t by_gap = clusters_by_gap(curve);
  reason += by_gap > 0 ? fmt::format("; the gap statistic says {}", by_gap)
                       : "; the gap statistic still rises at the end";
  std::vector<std::string> others;
  for (std::size_t i = 1; i < std::min<std::size_t>(peaks.size(), 4); ++i)
    others.push_back(std::to_string(curve[peaks[i]].clusters));
  if (!others.empty()) reason += "; also worth a look: " + join(others, ", ");
  const std::int64_t chosen = best.clusters;
  return {chosen, std::move(reason), std::move(curve)};
}

}  // namespace coterie
