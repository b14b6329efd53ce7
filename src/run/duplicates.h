#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "coterie/data/dataset.h"
#include "coterie/run/cluster.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

/// A row of a data set that another one repeats.
struct Duplicate {
  std::int64_t group = 0;  ///< groups are numbered from 0, by the lowest id in them
  std::int64_t id = 0;
  bool exact = false;     ///< another row of the group has the very same pixels (or features)
  double similarity = 0;  ///< cosine to the most similar other row of the group
};

struct Duplicates {
  std::vector<Duplicate> rows;  ///< by group, then by id
  std::int64_t groups = 0;
  double threshold = 1;  ///< the cosine from which on rows counted as near
};

/// Groups of rows that are equal, or nearly so.
///
/// Equal: the decoded pixels (or features) in `data` byte by byte. Near: `rows` [N, D] (embeddings,
/// see RunRows) at a cosine of `threshold` or more, looked for among the ten nearest neighbours of
/// each of the rows that differ; groups are what such pairs connect. Threshold 0 finds one: two
/// rows are near if 1 - cosine is below a tenth of what it is, in the median, between a row and its
/// nearest neighbour. How similar neighbours are differs from one network to another by orders of
/// magnitude, so no fixed figure would do; figures for a tenth are in docs/duplicates.md.
///
/// O(N D) beside the search of neighbours. Throws UserError where a threshold is not in 0..1.
Duplicates find_duplicates(const TrainingData& data, ConstFeatures rows, double threshold,
                           const ShallowContext& context = {});

/// Finds them in a run and writes RUN/duplicates.csv: group,id,path,kind,similarity.
Duplicates write_duplicates(const LoadedRun& run, double threshold, Progress& progress,
                            const CancelToken& cancel);

}  // namespace coterie
