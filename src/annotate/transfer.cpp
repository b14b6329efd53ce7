#include "coterie/annotate/transfer.h"

#include <utility>
#include <vector>

#include "coterie/annotate/annotations.h"
#include "coterie/annotate/constraint_store.h"
#include "coterie/annotate/rounds.h"
#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/run/run_folder.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

/// A run without its data set.
struct RunToAnnotate {
  explicit RunToAnnotate(const fs::path& path) {
    const RunFolder folder(path);
    owner.fingerprint = folder.read_finished_manifest().at("input").at("fingerprint");
    owner.run = sha256_file(folder.file("assignments.csv"));
    for (const auto& row : folder.read_assignments()) paths.push_back(row.path);
  }

  std::vector<RoundClusters> rounds(const fs::path& path) const {
    std::vector<RoundClusters> all;
    for (auto& result : read_rounds(path, paths)) all.push_back(std::move(result.clusters));
    return all;
  }

  StoreOwner owner;
  std::vector<std::string> paths;
};

/// Events without the edits, which name clusters of another clustering.
std::vector<Event> answers_alone(std::vector<Event> events) {
  for (Event& event : events)
    if (event.kind != EventKind::pair && event.kind != EventKind::undo) event.round = 0;
  return events;
}

}  // namespace

ImportCounts import_constraints(const fs::path& path, const fs::path& csv,
                                const std::string& annotator) {
  const RunToAnnotate run(path);
  const auto constraints = read_constraints(csv, run.paths);
  const auto rounds = run.rounds(path);
  ConstraintStore store(path, run.owner, ConstraintStore::Access::write);
  Annotations now = replay(store.events(), rounds);
  ImportCounts counts;
  std::vector<Event> events;
  for (const auto& [a, b, link] : constraints) {
    const Answer answer = link == Link::must ? Answer::must : Answer::cannot;
    const auto said = now.answers.find(key_of(a, b));
    if (said != now.answers.end() && said->second == answer) {
      ++counts.known;
      continue;
    }
    now.answers[key_of(a, b)] = answer;
    counts.contradicting += !now.constraints.add({a, b, link});
    events.push_back({.annotator = annotator,
                      .round = now.round,
                      .kind = EventKind::pair,
                      .a = a,
                      .b = b,
                      .answer = answer});
  }
  counts.added = static_cast<std::int64_t>(events.size());
  store.append(std::move(events));
  return counts;
}

std::optional<ExportedClusters> corrected_clusters(const fs::path& path) {
  if (!path_exists(path / ConstraintStore::kFile)) return std::nullopt;
  RunToAnnotate run(path);
  const ConstraintStore store(path, {run.owner.fingerprint, ""}, ConstraintStore::Access::read);
  if (store.run() != run.owner.run) return std::nullopt;
  auto rounds = run.rounds(path);
  Annotations now = replay(store.events(), rounds);
  if (rounds.size() == 1 && !now.labels_changed && now.clusters.names.empty()) return std::nullopt;
  return ExportedClusters{.paths = std::move(run.paths),
                          .labels = std::move(now.clusters.labels),
                          .confidences = std::move(rounds.back().confidences),
                          .clusters = now.clusters.ids(),
                          .names = std::move(now.clusters.names)};
}

std::int64_t export_constraints(const fs::path& path, const fs::path& csv) {
  const RunToAnnotate run(path);
  const ConstraintStore store(path, {run.owner.fingerprint, ""}, ConstraintStore::Access::read);
  const bool of_this_run = store.run().empty() || store.run() == run.owner.run;
  const Annotations now =
      replay(of_this_run ? store.events() : answers_alone(store.events()), run.rounds(path));
  write_file(csv, constraints_csv(now.constraints.taken(), run.paths));
  return static_cast<std::int64_t>(now.constraints.taken().size());
}

}  // namespace coterie
