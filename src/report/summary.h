#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coterie/metrics/scores.h"
#include "coterie/run/cluster.h"

namespace coterie {

/// What the page shows of one cluster. Images (or rows) are row numbers of the run.
struct ClusterSummary {
  std::int64_t size = 0;
  double mean_confidence = 0;
  std::vector<std::int64_t> surest;      ///< the surest first
  std::vector<std::int64_t> least_sure;  ///< the least sure first; none that is in `surest`
  std::int32_t match = -1;               ///< the class that the best matching gives it, or -1
  std::int64_t right = 0;                ///< how many of it are of that class
};

/// A run as the page shows it.
struct RunSummary {
  const LoadedRun* run = nullptr;
  std::vector<ClusterSummary> clusters;
  std::int64_t shown = 0;        ///< clusters that are shown with images or rows, the first ones
  std::int64_t shown_each = 0;   ///< how many images or rows at each end of a cluster
  std::optional<Scores> scores;  ///< where there is ground truth
  std::optional<Confusion> confusion;

  std::int64_t size() const { return static_cast<std::int64_t>(run->rows.size()); }
  std::int64_t largest() const;   ///< size of the largest cluster
  std::int64_t smallest() const;  ///< size of the smallest
  /// "1 image", "70,000 rows".
  std::string items(std::int64_t count) const;
  /// The number of a class's colour: its matched cluster's, so that pictures by class and by
  /// cluster can be compared; one that no cluster has where it is matched to none.
  std::int64_t class_colour(std::int32_t label) const;
  /// Name of a ground truth class as it was given, its number where it has none.
  std::string plain_class_name(std::int32_t label) const;
  /// The same, escaped.
  std::string class_name(std::int32_t label) const;
};

/// Throws UserError where the rows do not fit the data set or each other.
RunSummary summarize(const LoadedRun& run, const CancelToken& cancel);

}  // namespace coterie
