#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/report/found_lists.h"
#include "coterie/report/map_layout.h"
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
/// All rows in the plane: a picture, and `payload` (map_payload) for the script that replaces it.
std::string map_section(const RunSummary& summary, const MapLayout& map,
                        const std::string& payload);
/// A card for each cluster.
std::string clusters_section(const RunSummary& summary, Progress& progress,
                             const CancelToken& cancel);
/// Classes against clusters.
std::string confusion_section(const RunSummary& summary);
/// A line for each class: its cluster, and how well both fit.
std::string classes_section(const RunSummary& summary);
/// Images of each class that went right and wrong.
std::string cases_section(const RunSummary& summary, const CancelToken& cancel);
/// An image of each cluster with those nearest to it. Throws UserError where the embeddings are
/// damaged.
std::string neighbours_section(const RunSummary& summary, const CancelToken& cancel);
/// Why there are so many clusters, where the number was to be found: "cluster_count" of
/// `statistics` (of metrics.json).
std::string cluster_count_section(const nlohmann::json& statistics);
/// Curves of the epochs in `history` (lines of history.jsonl), a table of the restarts in
/// `statistics` (of metrics.json).
std::string training_section(const std::vector<nlohmann::json>& history,
                             const nlohmann::json& statistics);
/// With ground truth the accuracy of the snapshots over the epochs, and their maps
/// (RUN/snapshots/STAGE-EPOCH-map.npy) side by side, in the order of training. Throws UserError
/// where one is damaged.
std::string snapshots_section(const RunSummary& summary, const CancelToken& cancel);
/// Groups of equal and nearly equal images or rows.
std::string duplicates_section(const RunSummary& summary,
                               const std::vector<DuplicateGroup>& groups);
/// What is least like its surroundings.
std::string outliers_section(const RunSummary& summary, const Outliers& outliers);
/// Files that could not be used, and what else the page does not show: sentences as HTML.
std::string left_out_section(const std::vector<BadFile>& files,
                             const std::vector<std::string>& notes);
/// Parameters, command, machine and times.
std::string settings_section(const RunSummary& summary);

}  // namespace coterie
