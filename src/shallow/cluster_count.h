#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

/// What speaks for one number of clusters K.
struct ClusterCountScore {
  std::int64_t clusters = 0;
  double silhouette = 0;  ///< mean over the sample, in [-1, 1]
  double gap = 0;         ///< log dispersion of structureless data less that of the sample
  double gap_error = 0;   ///< standard error of the gap
  double stability = 0;   ///< agreement (ARI) of clusterings of two parts on the rows of both
};

struct ClusterCountChoice {
  std::int64_t clusters = 0;
  std::string reason;                    ///< one line for the user
  std::vector<ClusterCountScore> curve;  ///< K rising from 2
};

/// Labels of `rows` in `clusters` groups.
using LabelRows = std::function<std::vector<std::int32_t>(ConstFeatures rows, std::int64_t clusters,
                                                          std::uint64_t seed)>;

struct ClusterCountParams {
  std::int64_t most = 20;           ///< the largest K tried
  std::int64_t sample_rows = 1500;  ///< rows that the sweep looks at
  int references = 4;               ///< structureless data sets for the gap
  int splits = 4;                   ///< pairs of overlapping samples for the stability
};

/// Chooses the number of clusters for rows [N, D] by a sweep of K = 2..most with the method that
/// is to cluster them. On a sample it computes for every K
/// - the silhouette (Rousseeuw 1987);
/// - the gap (Tibshirani, Walther, Hastie: Estimating the number of clusters in a data set via the
///   gap statistic, 2001): how much log W_K, W_K = sum of squared distances to the clusters' means,
///   lies below that of points drawn uniformly from the box of the data;
/// - the stability: two random samples of 80 % of the rows are clustered from different seeds;
///   the ARI of both on the rows that they share.
/// See `choose_from_curve` for how they decide. Throws UserError on bad input, Interrupted when
/// cancelled.
ClusterCountChoice choose_cluster_count(ConstFeatures features, const LabelRows& label_rows,
                                        const ClusterCountParams& params,
                                        const ShallowContext& context);

/// The decision from a curve that is filled in: the K of the highest silhouette times stability,
/// the first of equals. Its reason names the other peaks and what the gap statistic says.
ClusterCountChoice choose_from_curve(std::vector<ClusterCountScore> curve);

}  // namespace coterie
