#pragma once

#include <cstdint>
#include <vector>

#include "coterie/run/cluster.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

/// How far each of the rows [N, D] lies from its neighbours: the mean Euclidean distance to the ten
/// nearest other rows (all others where there are fewer), divided by the median of that over all
/// rows. 1 is usual, 3 is three times as lonely. Where more than half of the rows repeat ten others
/// the mean takes the median's place.
///
/// Chosen by measurement over scores relative to the neighbours' own distances (local outlier
/// factor), over the cosine and over the distance to the cluster's mean: docs/duplicates.md.
/// Time and memory are those of the search of neighbours. Throws UserError where N < 2.
std::vector<double> outlier_scores(ConstFeatures rows, const ShallowContext& context = {});

struct Outlier {
  std::int64_t id = 0;
  double score = 0;
};

/// Scores the rows of a run (see RunRows) and writes RUN/outliers.csv: id,path,label,score,rank,
/// every row once, the strangest first. Returns them in that order.
std::vector<Outlier> write_outliers(const LoadedRun& run, Progress& progress,
                                    const CancelToken& cancel);

}  // namespace coterie
