#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/report/summary.h"

namespace coterie {

// The parts of the page as HTML, in their order. One that has nothing to say is empty. All text
// that comes from outside (names of files and classes, causes, commands) is escaped.

/// What the page is called, as text: "fashion-mnist: 70,000 images in 10 clusters".
std::string page_title(const RunSummary& summary);
/// What was clustered, and how.
std::string head_section(const RunSummary& summary);
/// Scores where there is ground truth, and always the sizes.
std::string figures_section(const RunSummary& summary);
/// A card for each cluster.
std::string clusters_section(const RunSummary& summary, Progress& progress,
                             const CancelToken& cancel);
/// Classes against clusters.
std::string confusion_section(const RunSummary& summary);
/// Why there are so many clusters, where the number was to be found: "cluster_count" of
/// `statistics` (of metrics.json).
std::string cluster_count_section(const nlohmann::json& statistics);
/// Curves of the epochs in `history` (lines of history.jsonl), a table of the restarts in
/// `statistics` (of metrics.json).
std::string training_section(const std::vector<nlohmann::json>& history,
                             const nlohmann::json& statistics);
/// Files that could not be used.
std::string left_out_section(const std::vector<BadFile>& files);
/// Parameters, command, machine and times.
std::string settings_section(const RunSummary& summary);

}  // namespace coterie
