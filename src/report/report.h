#pragma once

#include <filesystem>

#include "coterie/core/progress.h"
#include "coterie/run/cluster.h"

namespace coterie {

/// Writes RUN/report/index.html and returns its path. The page is one file that asks for nothing
/// from elsewhere, and needs no JavaScript: scores, sizes, the surest and the least sure images (or
/// rows) of each cluster, confusion, training, files left out and settings. It stays below about
/// 20 MB: the more images it shows, the smaller they are.
/// Throws UserError where the rows of the run do not belong to its data set (other names, labels
/// or ranks out of range) or the disk refuses; Interrupted when cancelled, with the earlier page
/// left as it was.
std::filesystem::path write_report(const LoadedRun& run, Progress& progress,
                                   const CancelToken& cancel);

}  // namespace coterie
