#pragma once

#include <filesystem>
#include <optional>

#include "coterie/core/progress.h"
#include "coterie/run/exported_clusters.h"

namespace coterie {

/// The clusters of a run as one file.
enum class TableForm {
  csv,    ///< path,cluster,confidence, and name where clusters have names
  jsonl,  ///< an object a line: id, path, file and name (where there is one), cluster, confidence
  fiftyone,  ///< samples.json in a folder that FiftyOne opens
};

/// Writes the table of a finished run, of `clusters` or those of its files, to `to`: a new file, or
/// a folder for `fiftyone`, where `prediction` holds the cluster and its confidence and
/// `ground_truth` the class where the run knows it. Returns the file written. Throws UserError
/// where that file is there already, and for `fiftyone` where the run's images are no files of
/// their own or have names that are not UTF-8.
std::filesystem::path export_table(const std::filesystem::path& run,
                                   const std::filesystem::path& to, TableForm form,
                                   Progress& progress,
                                   std::optional<ExportedClusters> clusters = {});

}  // namespace coterie
