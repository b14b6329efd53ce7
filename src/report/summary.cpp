#include "coterie/report/summary.h"

#include <algorithm>

#include "coterie/core/text.h"
#include "coterie/report/html.h"

namespace coterie {
namespace {

constexpr std::int64_t kManyClusters = 100;
constexpr std::int64_t kMostShown = 1000;
constexpr std::int64_t kEach = 12;
constexpr std::int64_t kEachOfMany = 6;
constexpr std::int64_t kCheckEvery = 1 << 16;

[[noreturn]] void throw_damaged(const LoadedRun& run, std::int64_t row, const std::string& fault) {
  throw UserError("{}, row {}: {}; cluster again",
                  printable(run.folder.file("assignments.csv").native()), row, fault);
}

/// A row under another name than its image's would show images under wrong names.
void check_rows(const LoadedRun& run, const CancelToken& cancel) {
  const auto rows = static_cast<std::int64_t>(run.rows.size());
  if (run.clusters < 1 || rows < 1)
    throw UserError("the run in {} has {} clusters and {} rows; cluster again",
                    printable(run.folder.path().native()), run.clusters, rows);
  if (rows != run.dataset.size())
    throw UserError("{} holds {} rows, its data set {}; cluster again",
                    printable(run.folder.file("assignments.csv").native()), rows,
                    run.dataset.size());
  for (std::int64_t i = 0; i < rows; ++i) {
    if (i % kCheckEvery == 0) cancel.check();
    const AssignedRow& row = run.rows[i];
    if (row.path != run.dataset.paths[i])
      throw_damaged(run, i,
                    fmt::format("it is '{}' here and '{}' in the data set", printable(row.path),
                                printable(run.dataset.paths[i])));
    if (row.label < 0 || row.label >= run.clusters)
      throw_damaged(run, i,
                    fmt::format("label {} is out of range: 0 to {}", row.label, run.clusters - 1));
  }
}

void count_sizes(RunSummary& summary) {
  summary.clusters.resize(static_cast<std::size_t>(summary.run->clusters));
  for (const auto& row : summary.run->rows) {
    auto& cluster = summary.clusters[row.label];
    ++cluster.size;
    cluster.mean_confidence += row.confidence;
  }
  for (auto& cluster : summary.clusters)
    if (cluster.size > 0) cluster.mean_confidence /= static_cast<double>(cluster.size);
}

/// Both ends of each cluster that is shown, by the rows' ranks.
void choose_rows(RunSummary& summary) {
  const std::int64_t clusters = summary.run->clusters;
  summary.shown = std::min(clusters, kMostShown);
  summary.shown_each = clusters > kManyClusters ? kEachOfMany : kEach;
  for (std::int64_t k = 0; k < summary.shown; ++k) {
    auto& cluster = summary.clusters[k];
    const std::int64_t surest = std::min(cluster.size, summary.shown_each);
    cluster.surest.assign(surest, -1);
    cluster.least_sure.assign(std::min(cluster.size - surest, summary.shown_each), -1);
  }
  for (std::int64_t i = 0; i < summary.size(); ++i) {
    const AssignedRow& row = summary.run->rows[i];
    auto& cluster = summary.clusters[row.label];
    const auto place = [&](std::vector<std::int64_t>& end, std::int64_t at) {
      if (at >= static_cast<std::int64_t>(end.size())) return;
      if (at < 0 || end[at] >= 0)
        throw_damaged(*summary.run, i,
                      fmt::format("rank {} is out of range or there twice", row.rank));
      end[at] = i;
    };
    place(cluster.surest, row.rank);
    place(cluster.least_sure, cluster.size - 1 - row.rank);
  }
  for (std::int64_t k = 0; k < summary.shown; ++k)
    for (const auto* end : {&summary.clusters[k].surest, &summary.clusters[k].least_sure})
      if (std::find(end->begin(), end->end(), -1) != end->end())
        throw UserError("{}: the ranks of cluster {} have a gap; cluster again",
                        printable(summary.run->folder.file("assignments.csv").native()), k);
}

void score_rows(RunSummary& summary) {
  const Dataset& dataset = summary.run->dataset;
  if (!dataset.has_truth()) return;
  const std::vector<std::int32_t> labels = labels_of(summary.run->rows);
  summary.scores = score(labels, dataset.truth, summary.run->clusters);
  summary.confusion = confusion_matrix(labels, dataset.truth);
  const Confusion& confusion = *summary.confusion;
  for (std::int64_t c = 0; c < confusion.counts.rows(); ++c) {
    const std::int32_t cluster = confusion.cluster_of(c);
    if (cluster < 0) continue;
    summary.clusters[cluster].match = static_cast<std::int32_t>(c);
    summary.clusters[cluster].right = confusion.right(c);
  }
}

}  // namespace

std::int64_t RunSummary::largest() const {
  return std::ranges::max(clusters, {}, &ClusterSummary::size).size;
}

std::int64_t RunSummary::smallest() const {
  return std::ranges::min(clusters, {}, &ClusterSummary::size).size;
}

std::string RunSummary::items(std::int64_t count) const {
  return run->dataset.has_images() ? counted(count, "image", "images")
                                   : counted(count, "row", "rows");
}

std::int64_t RunSummary::class_colour(std::int32_t label) const {
  const std::int32_t cluster = confusion->cluster_of(label);
  return cluster >= 0 ? cluster : static_cast<std::int64_t>(clusters.size()) + label;
}

std::string RunSummary::plain_class_name(std::int32_t label) const {
  const auto& names = run->dataset.class_names;
  return static_cast<std::size_t>(label) < names.size() ? names[label] : std::to_string(label);
}

std::string RunSummary::class_name(std::int32_t label) const {
  return html_escape(plain_class_name(label));
}

RunSummary summarize(const LoadedRun& run, const CancelToken& cancel) {
  RunSummary summary;
  summary.run = &run;
  check_rows(run, cancel);
  count_sizes(summary);
  choose_rows(summary);
  score_rows(summary);
  return summary;
}

}  // namespace coterie
