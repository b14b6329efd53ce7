#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/dataset.h"
#include "coterie/run/export_journal.h"
#include "coterie/run/exported_clusters.h"

namespace coterie {

struct ExportRequest {
  std::filesystem::path run;  ///< a finished run on images
  std::filesystem::path to;   ///< the folder to make; new, or empty
  ExportForm form = ExportForm::symlink;
  std::optional<ExportedClusters> clusters = {};  ///< instead of those in the run's files
};

struct ExportResult {
  std::int64_t files = 0;
  std::int64_t clusters = 0;  ///< folders made: clusters that are not empty
};

/// Makes a folder for each cluster in `to` (cluster_folder_name) and puts its images there, under
/// their own base names (names_in_folder). Where the run's images are parts of an archive, an array
/// or a pack, the form must be `copy`: they are written as PNG, named by their ids.
///
/// Nothing is ever overwritten. All that is going to be done is on disk as a journal in `to` before
/// the first image is touched, so that `undo_export` can put back everything after success,
/// failure, or a crash at any moment. Links are absolute; a link among the images that is moved
/// keeps leading to the file it led to.
///
/// Throws UserError where the run is on features, one of its files is gone, `to` is not empty or
/// lies inside the input folder, or the system refuses (disk full, read-only): the message says how
/// far it came and how to undo. Interrupted when cancelled, in the same state.
ExportResult export_folders(const ExportRequest& request, Progress& progress,
                            const CancelToken& cancel);

struct UndoResult {
  std::int64_t undone = 0;
  /// What is not as the export made it, and was left alone: path and why. Empty: all is as it was
  /// before, and journal and folders are gone. Otherwise the journal stays for another attempt.
  std::vector<BadFile> left;
};

/// Undoes an export: removes links and copies that are still what was made, moves files back, and
/// removes the folders that it made where they are empty. A copy whose original is gone or differs
/// stays. Can be stopped and called again. Throws UserError where `folder` holds no journal.
UndoResult undo_export(const std::filesystem::path& folder, Progress& progress,
                       const CancelToken& cancel);

}  // namespace coterie
