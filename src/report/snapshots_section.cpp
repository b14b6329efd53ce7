#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "coterie/core/files.h"
#include "coterie/core/params.h"
#include "coterie/core/text.h"
#include "coterie/data/csv.h"
#include "coterie/data/npy.h"
#include "coterie/report/html.h"
#include "coterie/report/scatter_picture.h"
#include "coterie/report/sections.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::int64_t kSnapshotDots = 4000;  // of each picture
constexpr std::size_t kMostPictures = 24;

/// Files STAGE-EPOCH-map.npy in the order of their training, which is that of their times; where
/// those are equal, that of their names.
std::vector<fs::path> snapshot_maps(const fs::path& folder) {
  constexpr std::string_view kEnd = "-map.npy";
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().filename().native().ends_with(kEnd)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  // Stages follow each other as their snapshots were written.
  const auto written = [&](const fs::path& map) {
    const std::string name = map.filename().native();
    return fs::last_write_time(folder / (name.substr(0, name.size() - kEnd.size()) + ".npy"),
                               ignored);
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](const auto& a, const auto& b) { return written(a) < written(b); });
  return found;
}

/// The row of the run that each image of the sample is.
std::vector<std::int64_t> sampled_rows(const LoadedRun& run) {
  const fs::path path = run.folder.snapshots() / "rows.csv";
  const std::string text = read_file(path);
  CsvReader reader(text, printable(path.native()));
  std::vector<std::string_view> fields;
  std::vector<std::int64_t> rows;
  reader.next(fields);  // the header
  while (reader.next(fields)) {
    const std::int64_t row = fields.empty() ? -1 : parse_integer("row", fields[0]);
    if (row < 0 || row >= run.dataset.size())
      throw UserError(
          "{}, line {}: row {} is out of range: 0 to {}; cluster again with "
          "--snapshots",
          printable(path.native()), reader.line(), row, run.dataset.size() - 1);
    rows.push_back(row);
  }
  return rows;
}

/// "pretrain-0020-map.npy" as "pretrain, epoch 20".
std::string caption_of(const fs::path& path) {
  std::string name = path.filename().native();
  name.resize(name.size() - std::string_view("-map.npy").size());
  const std::size_t dash = name.rfind('-');
  if (dash == std::string::npos) return html_escape(name);
  const std::string epoch =
      name.substr(std::min(name.find_first_not_of('0', dash + 1), name.size() - 1));
  return html_escape(words(name.substr(0, dash)) + ", epoch " + epoch);
}

}  // namespace

std::string snapshots_section(const RunSummary& summary, const CancelToken& cancel) {
  const LoadedRun& run = *summary.run;
  auto maps = snapshot_maps(run.folder.snapshots());
  if (maps.empty()) return {};
  const std::size_t all = maps.size();
  maps.resize(std::min(all, kMostPictures));
  const auto rows = sampled_rows(run);
  const bool by_class = summary.scores.has_value();
  std::vector<int> colours;
  for (const std::int64_t row : rows)
    colours.push_back(
        colour_of(by_class ? summary.class_colour(run.dataset.truth[row]) : run.rows[row].label));
  std::string figures;
  for (const auto& path : maps) {
    cancel.check();
    const FeatureRows map = NpyFile(path).features();
    if (map.values.cols != 2 || map.values.rows != static_cast<std::int64_t>(rows.size()))
      throw UserError("{} is [{}, {}], expected [{}, 2]; make it again with `coterie map`",
                      printable(path.native()), map.values.rows, map.values.cols, rows.size());
    check_finite(map.values, printable(path.native()), cancel);
    const std::string caption = caption_of(path);
    figures +=
        fmt::format("<figure class=\"chart\"><figcaption>{0}</figcaption>\n{1}</figure>\n", caption,
                    scatter_picture(map.values, colours, kSnapshotDots, "Map after " + caption));
  }
  return fmt::format(
      "<section id=\"snapshots\" aria-labelledby=\"snapshots-name\">\n<h2 "
      "id=\"snapshots-name\">Over the epochs</h2>\n<p class=\"lead\">t-SNE of what the network "
      "made of {} in the middle of its training, coloured by {}.{}</p>\n<div "
      "class=\"charts\">\n{}</div>\n</section>\n",
      summary.items(static_cast<std::int64_t>(rows.size())),
      by_class ? "ground truth" : "the cluster at the end",
      all > maps.size() ? fmt::format(" Here are the first {} of {}.", maps.size(), all) : "",
      figures);
}

}  // namespace coterie
