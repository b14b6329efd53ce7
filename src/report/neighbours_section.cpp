#include <algorithm>
#include <filesystem>

#include "coterie/core/files.h"
#include "coterie/data/npy.h"
#include "coterie/report/html.h"
#include "coterie/report/pictures.h"
#include "coterie/report/sections.h"
#include "coterie/run/nearest_images.h"

namespace coterie {
namespace {

constexpr std::int64_t kMostClusters = 20;
constexpr std::int64_t kNearestEach = 8;
constexpr std::int64_t kNearestBudget = 1'500'000;

std::string neighbour_items(const RunSummary& summary, const Pictures& pictures, std::int64_t image,
                            const std::vector<std::int64_t>& rows) {
  const auto& truth = summary.run->dataset.truth;
  std::string out;
  for (const std::int64_t row : rows) {
    const std::int32_t cluster = summary.run->rows[row].label;
    std::string below;
    if (cluster != summary.run->rows[image].label)
      below = fmt::format("<span>in {}</span>", cluster);
    if (summary.scores && truth[row] != truth[image])
      below += fmt::format("<span class=\"other\">{}</span>", summary.class_name(truth[row]));
    out += pictures.item(row, below);
  }
  return out;
}

}  // namespace

std::string neighbours_section(const RunSummary& summary, const CancelToken& cancel) {
  const LoadedRun& run = *summary.run;
  const auto path = run.folder.file("embeddings.npy");
  if (!run.dataset.has_images() || !path_exists(path)) return {};
  const FeatureRows embeddings = NpyFile(path).features();
  if (embeddings.values.rows != summary.size()) return {};
  const std::vector<std::int32_t> labels = labels_of(run.rows);
  const auto found =
      nearest_images(embeddings.values, labels, std::min(run.clusters, kMostClusters), kNearestEach,
                     run.manifest.value("seed", std::uint64_t{0}), cancel);
  std::int64_t count = 0;
  for (const auto& one : found)
    count += 1 + static_cast<std::int64_t>(one.same.size() + one.other.size());
  const Pictures pictures(summary.run->dataset, count, kNearestBudget);
  std::string out;
  for (const auto& one : found) {
    cancel.check();
    const std::int32_t cluster = run.rows[one.image].label;
    const std::string below =
        summary.scores
            ? fmt::format("<span>{}</span>", summary.class_name(run.dataset.truth[one.image]))
            : std::string();
    out += fmt::format(
        "<article class=\"case\" aria-labelledby=\"near-{0}\">\n<h3 id=\"near-{0}\">Cluster {0}"
        "</h3>\n<div class=\"strips\">\n{1}{2}{3}</div></article>\n",
        cluster, pictures.strip("Image", pictures.item(one.image, below)),
        pictures.strip("Nearest of its cluster",
                       neighbour_items(summary, pictures, one.image, one.same)),
        pictures.strip("Nearest of others",
                       neighbour_items(summary, pictures, one.image, one.other)));
  }
  return fmt::format(
      "<section id=\"neighbours\" aria-labelledby=\"neighbours-name\">\n<h2 "
      "id=\"neighbours-name\">Neighbours</h2>\n<p class=\"lead\">An image of each cluster, drawn "
      "at random, and those nearest to it by their embeddings, nearest first.{}{}</p>\n{}"
      "</section>\n",
      summary.scores ? " A class is named where it is another than the image's." : "",
      run.clusters > kMostClusters
          ? fmt::format(" Here are the {} largest clusters.", kMostClusters)
          : "",
      out);
}

}  // namespace coterie
