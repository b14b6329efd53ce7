#include "coterie/report/side_by_side.h"

#include <algorithm>
#include <numeric>

#include "coterie/core/text.h"
#include "coterie/metrics/assignment.h"
#include "coterie/metrics/contingency.h"
#include "coterie/metrics/scores.h"
#include "coterie/run/cluster.h"

namespace coterie {
namespace {

std::string fingerprint_in(const nlohmann::json& manifest) {
  return manifest.value("input", nlohmann::json::object()).value("fingerprint", std::string());
}

SideRun side_of(const RunFolder& folder, nlohmann::json manifest, nlohmann::json metrics,
                const std::vector<AssignedRow>& rows, const Dataset& dataset) {
  SideRun side{.name = folder.path().native(),
               .manifest = std::move(manifest),
               .metrics = std::move(metrics)};
  side.clusters = side.manifest.at("clusters");
  const std::string file = printable(folder.file("assignments.csv").native());
  if (static_cast<std::int64_t>(rows.size()) != dataset.size())
    throw UserError("{} holds {} rows, its data set {}; cluster again", file, rows.size(),
                    dataset.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].path != dataset.paths[i])
      throw UserError("{}, row {}: it is '{}' here and '{}' in the data set; cluster again", file,
                      i, printable(rows[i].path), printable(dataset.paths[i]));
    if (rows[i].label < 0 || rows[i].label >= side.clusters)
      throw UserError("{}, row {}: label {} is out of range: 0 to {}; cluster again", file, i,
                      rows[i].label, side.clusters - 1);
    side.labels.push_back(rows[i].label);
    side.confidences.push_back(rows[i].confidence);
  }
  return side;
}

/// New numbers of the clusters of `run`, after those of `first`.
std::vector<std::int32_t> match_to(const SideRun& first, const SideRun& run) {
  Matrix<double> cost(run.clusters, first.clusters);
  for (std::size_t i = 0; i < run.labels.size(); ++i) cost(run.labels[i], first.labels[i]) -= 1;
  const auto columns = min_cost_assignment(cost);
  auto next = static_cast<std::int32_t>(first.clusters);
  std::vector<std::int32_t> numbers;
  for (std::int64_t k = 0; k < run.clusters; ++k) {
    // A pair without a common row is no match.
    const bool matched = columns[k] >= 0 && cost(k, columns[k]) < 0;
    numbers.push_back(matched ? static_cast<std::int32_t>(columns[k]) : next++);
  }
  return numbers;
}

}  // namespace

SideBySide open_side_by_side(const std::vector<std::filesystem::path>& runs, Progress& progress,
                             const CancelToken& cancel) {
  if (runs.size() < 2)
    throw UserError("--compare needs two or more run folders, {} was given", runs.size());
  LoadedRun first = open_run(runs.front(), progress, cancel);
  SideBySide sides{.dataset = std::move(first.dataset)};
  sides.runs.push_back(side_of(first.folder, std::move(first.manifest), std::move(first.metrics),
                               first.rows, sides.dataset));
  for (std::size_t r = 1; r < runs.size(); ++r) {
    cancel.check();
    const RunFolder folder(runs[r]);
    nlohmann::json manifest = folder.read_finished_manifest();
    if (fingerprint_in(manifest) != sides.dataset.fingerprint)
      throw UserError("{} and {} were made from different data; compare runs of the same data",
                      printable(runs.front().native()), printable(runs[r].native()));
    sides.runs.push_back(side_of(folder, std::move(manifest), folder.read_metrics(),
                                 folder.read_assignments(), sides.dataset));
  }
  compare_labels(sides, cancel);
  return sides;
}

void compare_labels(SideBySide& sides, const CancelToken& cancel) {
  auto& runs = sides.runs;
  const auto count = static_cast<std::int64_t>(runs.size());
  sides.nmi = sides.ari = sides.same = Matrix<double>(count, count);
  for (std::int64_t a = 0; a < count; ++a)
    for (std::int64_t b = a; b < count; ++b) {
      cancel.check();
      const auto& x = runs[a].labels;
      const auto& y = runs[b].labels;
      sides.nmi(a, b) = sides.nmi(b, a) = normalized_mutual_information(x, y);
      sides.ari(a, b) = sides.ari(b, a) = adjusted_rand_index(x, y);
      sides.same(a, b) = sides.same(b, a) = accuracy(x, y);
    }
  for (auto& run : runs) {
    cancel.check();
    run.match_of = match_to(runs.front(), run);
    run.matched.clear();
    for (const std::int32_t label : run.labels) run.matched.push_back(run.match_of[label]);
  }
  std::vector<double> surety(runs.front().labels.size());
  sides.differ.clear();
  for (std::size_t i = 0; i < surety.size(); ++i) {
    bool equal = true;
    for (const auto& run : runs) {
      surety[i] += run.confidences[i];
      equal = equal && run.matched[i] == runs.front().matched[i];
    }
    if (!equal) sides.differ.push_back(static_cast<std::int64_t>(i));
  }
  std::stable_sort(sides.differ.begin(), sides.differ.end(),
                   [&](auto a, auto b) { return surety[a] > surety[b]; });
}

}  // namespace coterie
