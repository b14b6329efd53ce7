#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coterie/run/run_folder.h"

namespace coterie {

/// What an export writes: the clusters of a run as its files have them, or as people left them (see
/// corrected_clusters in coterie/annotate/transfer.h).
struct ExportedClusters {
  std::vector<std::string> paths;             ///< [N], bytes
  std::vector<std::int32_t> labels;           ///< [N]
  std::vector<float> confidences;             ///< [N], of the model
  std::int64_t clusters = 0;                  ///< labels are below it; some may have no image
  std::map<std::int32_t, std::string> names;  ///< UTF-8, of the clusters that have one

  /// "" where it has none.
  std::string name_of(std::int32_t cluster) const;
};

/// Those in the files of a finished run.
ExportedClusters exported_clusters(const RunFolder& run);

}  // namespace coterie
