#include "coterie/report/report.h"

#include "coterie/core/files.h"
#include "coterie/report/image_tiles.h"
#include "coterie/report/left_out_notes.h"
#include "coterie/report/map_points.h"
#include "coterie/report/page.h"
#include "coterie/report/report_files.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

ReportParts parts_of(const LoadedRun& run, const CancelToken& cancel) {
  constexpr std::int64_t kMostOutliers = 100;
  ReportParts parts;
  parts.map = read_map(run, cancel);
  if (parts.map) parts.map_rows = map_rows(run.dataset.size(), kMostPoints);
  parts.duplicates = read_duplicates(run);
  parts.outliers = read_outliers(run, kMostOutliers);
  return parts;
}

std::string sections_of(const RunSummary& summary, const ReportParts& parts,
                        const std::string& tiles, Progress& progress, const CancelToken& cancel) {
  const LoadedRun& run = *summary.run;
  const auto statistics = run.metrics.value("statistics", nlohmann::json::object());
  std::string out = figures_section(summary) + cluster_count_section(statistics);
  if (parts.map)
    out +=
        map_section(summary, *parts.map, map_payload(summary, *parts.map, parts.map_rows, tiles));
  out += clusters_section(summary, progress, cancel) + confusion_section(summary) +
         classes_section(summary) + cases_section(summary, cancel) +
         neighbours_section(summary, cancel) +
         training_section(run.folder.read_history(), statistics) +
         snapshots_section(summary, cancel);
  if (parts.duplicates) out += duplicates_section(summary, *parts.duplicates);
  if (parts.outliers) out += outliers_section(summary, *parts.outliers);
  return out + left_out_section(run.dataset.bad_files, left_out_notes(summary, parts)) +
         settings_section(summary);
}

}  // namespace

std::filesystem::path write_report(const LoadedRun& run, Progress& progress,
                                   const CancelToken& cancel) {
  const RunSummary summary = summarize(run, cancel);
  const ReportParts parts = parts_of(run, cancel);
  const std::filesystem::path path = run.folder.report();
  create_folder(path.parent_path());
  ReportFiles files(path.parent_path());
  const bool tiles = parts.map && run.dataset.has_images();
  if (tiles)
    write_image_tiles(run.dataset.training_data(), parts.map_rows, files.path(), progress, cancel);
  const std::string page = fill_page(
      {.title = page_title(summary),
       .head = head_section(summary),
       .sections = sections_of(summary, parts, tiles ? files.name() : "", progress, cancel),
       .interactive = parts.map.has_value()});
  cancel.check();
  write_file(path, page);
  files.keep();
  return path;
}

}  // namespace coterie
