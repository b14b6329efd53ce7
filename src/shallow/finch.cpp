#include "coterie/shallow/finch.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/metrics/silhouette.h"
#include "coterie/shallow/distinct_rows.h"
#include "coterie/shallow/mean_merging.h"
#include "coterie/shallow/neighbour_graph.h"
#include "coterie/shallow/rows.h"

namespace coterie {
namespace {

FinchLevel level_of(std::vector<std::int32_t> labels) {
  const std::int32_t last = *std::max_element(labels.begin(), labels.end());
  FinchLevel level{std::move(labels),
                   std::vector<std::int64_t>(static_cast<std::size_t>(last + 1))};
  for (const std::int32_t label : level.labels) ++level.sizes[label];
  return level;
}

/// `labels` with each cluster replaced by the one it went into.
std::vector<std::int32_t> follow(const std::vector<std::int32_t>& labels,
                                 const std::vector<std::int32_t>& into) {
  std::vector<std::int32_t> result(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) result[i] = into[labels[i]];
  return result;
}

}  // namespace

const Fields<FinchParams>& FinchParams::fields() {
  static const Fields<FinchParams> fields =
      Fields<FinchParams>()
          .choice("distance", &FinchParams::distance,
                  {{"euclidean", FinchDistance::euclidean}, {"cosine", FinchDistance::cosine}},
                  "distance between rows, and between the means of clusters")
          .number("silhouette_rows", &FinchParams::silhouette_rows, between(10, 1e6),
                  "rows by which a level is judged where the number of clusters is not given");
  return fields;
}

Finch::Finch(FinchParams params) : params_(params) { params_.validate(); }

void Finch::build_levels(ConstFeatures features, const std::vector<std::int64_t>& first_equal,
                         const ShallowContext& context) {
  levels_.clear();
  const NeighbourOptions options{.cosine = params_.distance == FinchDistance::cosine};
  const Neighbours nearest = nearest_neighbours(features, 1, options, context);
  DisjointSets parts(features.rows);
  // Equal rows are first neighbours; a search gives one of them only.
  for (std::int64_t i = 0; i < features.rows; ++i)
    parts.join(i, first_equal[i] == i ? nearest.rows(i, 0) : first_equal[i]);
  std::vector<std::int32_t> labels = parts.labels();
  for (std::int64_t count = parts.sets(); count > 1;) {
    levels_.push_back(level_of(std::move(labels)));
    const Matrix<float> means = means_of_labels(features, levels_.back().labels, count);
    const Neighbours nearest_means = nearest_neighbours(means, 1, options, context);
    DisjointSets joined(count);
    for (std::int64_t k = 0; k < count; ++k) joined.join(k, nearest_means.rows(k, 0));
    labels = follow(levels_.back().labels, joined.labels());
    count = joined.sets();
  }
}

int Finch::choose_by_silhouette(ConstFeatures features, const ShallowContext& context) {
  Matrix<float> directions;  // the silhouette is Euclidean: cosine is that on unit vectors
  if (params_.distance == FinchDistance::cosine) {
    const PreparedRows rows(features, std::vector<double>(features.cols), true);
    directions = Matrix<float>(features.rows, features.cols);
    for (std::int64_t i = 0; i < features.rows; ++i) rows.load(i, directions.row(i));
    features = directions;
  }
  const double most = std::max(2.0, std::sqrt(static_cast<double>(features.rows)));
  int best = static_cast<int>(levels_.size()) - 1;
  double highest = -2;
  if (context.progress)
    context.progress->begin("choosing a level", static_cast<std::int64_t>(levels_.size()));
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    FinchLevel& level = levels_[l];
    if (static_cast<double>(level.clusters()) > most) continue;
    RandomStream stream(context.seed, "finch silhouette", l);
    level.silhouette =
        sampled_silhouette(features, level.labels, params_.silhouette_rows, stream, context.cancel);
    if (level.silhouette > highest) {
      highest = level.silhouette;
      best = static_cast<int>(l);
    }
    if (context.progress) context.progress->update(static_cast<std::int64_t>(l) + 1);
  }
  if (context.progress) context.progress->end();
  return best;
}

Assignment Finch::fit(ConstFeatures features, std::int64_t clusters,
                      const ShallowContext& context) {
  check_clustering_input(features, clusters == 0 ? 2 : clusters);
  const std::vector<std::int64_t> first_equal = first_equal_rows(features);
  build_levels(features, first_equal, context);
  chosen_ = -1;
  if (clusters == 0) {
    chosen_ = choose_by_silhouette(features, context);
    clusters = chosen_ < 0 ? 2 : levels_[chosen_].clusters();
  } else {
    for (std::size_t l = 0; l < levels_.size() && levels_[l].clusters() >= clusters; ++l)
      chosen_ = static_cast<int>(l);
  }
  FinchLevel start;
  if (chosen_ >= 0) {
    start = levels_[chosen_];
  } else {  // single rows, equal ones together
    DisjointSets equal(features.rows);
    for (std::int64_t i = 0; i < features.rows; ++i) equal.join(i, first_equal[i]);
    start = level_of(equal.labels());
  }
  if (start.clusters() > clusters) {
    const MergeCost cost = params_.distance == FinchDistance::cosine ? MergeCost::cosine_centroid
                                                                     : MergeCost::centroid;
    start.labels =
        follow(start.labels, merge_means(means_of_labels(features, start.labels, start.clusters()),
                                         start.sizes, clusters, cost, context));
  }
  model_ = LabelledRows(features, std::move(start.labels), clusters);
  return model_.predict(features);
}

}  // namespace coterie
