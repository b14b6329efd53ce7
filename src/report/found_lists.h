#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coterie/run/cluster.h"

namespace coterie {

/// Images (or rows) that `coterie duplicates` found to be the same or nearly so.
struct DuplicateGroup {
  bool exact = true;              ///< all of them equal
  double least_similarity = 1;    ///< of any of them
  std::vector<std::int64_t> ids;  ///< rows of the run, as listed
};

/// RUN/duplicates.csv, in its order; none where there is no such file. Throws UserError where it is
/// damaged or of another run.
std::optional<std::vector<DuplicateGroup>> read_duplicates(const LoadedRun& run);

/// One line of what `coterie outliers` wrote.
struct Outlier {
  std::int64_t id = 0;
  double score = 0;
};

/// RUN/outliers.csv, the first `most` by rank; none where there is no such file. Throws as above.
struct Outliers {
  std::int64_t count = 0;  ///< of all that are listed
  std::vector<Outlier> first;
};
std::optional<Outliers> read_outliers(const LoadedRun& run, std::int64_t most);

}  // namespace coterie
