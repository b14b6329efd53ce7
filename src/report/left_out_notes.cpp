#include "coterie/report/left_out_notes.h"

#include <filesystem>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/report/html.h"

namespace coterie {
namespace {

std::string made_by(const RunSummary& summary, const char* command) {
  const std::string run = html_escape(summary.run->folder.path().native());
  return fmt::format("<code>coterie {0} {1}</code>, then <code>coterie report {1}</code>", command,
                     run);
}

void note_map(const RunSummary& summary, const ReportParts& parts,
              std::vector<std::string>& notes) {
  if (!parts.map) {
    notes.push_back("The map: none was made. To have one: " + made_by(summary, "map") + ".");
    return;
  }
  const auto shown = static_cast<std::int64_t>(parts.map_rows.size());
  if (shown < summary.size())
    notes.push_back(fmt::format("Of the map {}: it shows {}, drawn at random.",
                                summary.items(summary.size() - shown), grouped(shown)));
  const auto placed = parts.map->about.find("placed");
  if (placed != parts.map->about.end() && placed->is_number_integer() &&
      placed->get<std::int64_t>() > 0)
    notes.push_back(fmt::format(
        "Of the map's layout {}: they were placed beside their nearest neighbours afterwards.",
        summary.items(placed->get<std::int64_t>())));
}

}  // namespace

std::vector<std::string> left_out_notes(const RunSummary& summary, const ReportParts& parts) {
  const LoadedRun& run = *summary.run;
  std::vector<std::string> notes;
  if (!summary.scores)
    notes.push_back("Scores, confusion, classes, success and failure: no ground truth was given.");
  note_map(summary, parts, notes);
  const auto clusters = static_cast<std::int64_t>(summary.clusters.size());
  if (summary.shown < clusters)
    notes.push_back(
        fmt::format("Cards of the {} smallest clusters.", grouped(clusters - summary.shown)));
  if (run.dataset.has_images() && !path_exists(run.folder.file("embeddings.npy")))
    notes.push_back(
        "Neighbours: the method clustered the pixels themselves, there are no embeddings.");
  if (!parts.duplicates)
    notes.push_back("Duplicates: not looked for. To have them: " + made_by(summary, "duplicates") +
                    ".");
  if (!parts.outliers)
    notes.push_back("Outliers: not looked for. To have them: " + made_by(summary, "outliers") +
                    ".");
  return notes;
}

}  // namespace coterie
