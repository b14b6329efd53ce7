#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/npy.h"
#include "coterie/report/html.h"
#include "coterie/report/line_chart.h"
#include "coterie/report/scatter_picture.h"
#include "coterie/report/sections.h"
#include "coterie/run/snapshots.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::int64_t kSnapshotDots = 4000;  // of each picture
constexpr std::size_t kMostPictures = 24;

/// How right the clusters were, over the epochs of each stage that has had them twice.
std::string score_curves(const RunSummary& summary, const fs::path& folder,
                         const CancelToken& cancel) {
  if (!summary.scores) return {};
  std::vector<std::pair<std::string, std::vector<std::pair<double, double>>>> stages;
  for (const auto& scores : snapshot_scores(folder, summary.run->dataset.truth, cancel)) {
    const auto stage = scores.at("stage").get<std::string>();
    if (stages.empty() || stages.back().first != stage) stages.push_back({stage, {}});
    stages.back().second.emplace_back(scores.at("epoch"), scores.at("acc"));
  }
  std::string charts;
  for (const auto& [stage, points] : stages)
    if (points.size() > 1)
      charts += line_chart("ACC, " + html_escape(words(stage)), "epoch", points);
  if (charts.empty()) return {};
  return fmt::format(
      "<p class=\"lead\">Accuracy of the clusters that {} had in the middle of the training, each "
      "in "
      "its most probable one.</p>\n<div class=\"charts\">\n{}</div>\n",
      summary.items(
          static_cast<std::int64_t>(sampled_rows(folder, summary.run->dataset.size()).size())),
      charts);
}

std::string map_pictures(const RunSummary& summary, const fs::path& folder,
                         const CancelToken& cancel) {
  const LoadedRun& run = *summary.run;
  std::vector<Snapshot> maps = snapshots_of(folder);
  const auto map_of = [&](const Snapshot& snapshot) {
    return folder / (snapshot.name + "-map.npy");
  };
  std::erase_if(maps, [&](const Snapshot& snapshot) { return !path_exists(map_of(snapshot)); });
  if (maps.empty()) return {};
  const std::size_t all = maps.size();
  maps.resize(std::min(all, kMostPictures));
  const auto rows = sampled_rows(folder, run.dataset.size());
  const bool by_class = summary.scores.has_value();
  std::vector<int> colours;
  for (const std::int64_t row : rows)
    colours.push_back(
        colour_of(by_class ? summary.class_colour(run.dataset.truth[row]) : run.rows[row].label));
  std::string figures;
  for (const Snapshot& snapshot : maps) {
    cancel.check();
    const fs::path path = map_of(snapshot);
    const FeatureRows map = NpyFile(path).features();
    if (map.values.cols != 2 || map.values.rows != static_cast<std::int64_t>(rows.size()))
      throw UserError("{} is [{}, {}], expected [{}, 2]; make it again with `coterie map`",
                      printable(path.native()), map.values.rows, map.values.cols, rows.size());
    check_finite(map.values, printable(path.native()), cancel);
    const std::string caption =
        html_escape(fmt::format("{}, epoch {}", words(snapshot.stage), snapshot.epoch));
    figures +=
        fmt::format("<figure class=\"chart\"><figcaption>{0}</figcaption>\n{1}</figure>\n", caption,
                    scatter_picture(map.values, colours, kSnapshotDots, "Map after " + caption));
  }
  return fmt::format(
      "<p class=\"lead\">t-SNE of what the network made of {} in the middle of its training, "
      "coloured by {}.{}</p>\n<div class=\"charts\">\n{}</div>\n",
      summary.items(static_cast<std::int64_t>(rows.size())),
      by_class ? "ground truth" : "the cluster at the end",
      all > maps.size() ? fmt::format(" Here are the first {} of {}.", maps.size(), all) : "",
      figures);
}

}  // namespace

std::string snapshots_section(const RunSummary& summary, const CancelToken& cancel) {
  const fs::path folder = summary.run->folder.snapshots();
  const std::string content =
      score_curves(summary, folder, cancel) + map_pictures(summary, folder, cancel);
  if (content.empty()) return {};
  return fmt::format(
      "<section id=\"snapshots\" aria-labelledby=\"snapshots-name\">\n<h2 "
      "id=\"snapshots-name\">Over the epochs</h2>\n{}</section>\n",
      content);
}

}  // namespace coterie
