#include "coterie/annotate/trainer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/constraints.h"
#include "coterie/methods/registry.h"
#include "coterie/run/cluster.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

struct RoundPlan {
  RunSettings settings;
  /// The network has the run's labels in its own head, or the method learns from answers alone.
  bool knows_labels;
};

/// `method` trains, or where it is empty what refines the run's.
RoundPlan plan_of(const RoundRequest& request, const std::string& method) {
  const nlohmann::json manifest = RunFolder(request.from).read_finished_manifest();
  RunSettings settings = settings_from_json(manifest.at("settings"));
  const nlohmann::json& input = manifest.at("input");
  const std::string source =
      path_from_json(input.contains("opened") ? input.at("opened") : input.at("source"));
  if (path_exists(source)) settings.input = source;

  const auto found_by = create_method(manifest.at("method").get<std::string>());
  // Without some of its heads dcsc cannot learn corrections.
  for (const auto& [name, value] : settings.parameters) found_by->set_parameter(name, value);
  const auto refining = create_method(method.empty() ? refining_method(found_by->info()) : method);
  settings.method = refining->info().name;
  const bool takes_network = refining->info().network == found_by->info().network;
  settings.init_from = takes_network ? fs::absolute(request.from).native() : std::string();
  if (!takes_network) settings.precision = "auto";  // it was settled for another network
  if (settings.method != found_by->info().name) settings.parameters.clear();
  for (const ParamInfo& parameter : refining->parameters())  // of the training that is done
    if (takes_network && parameter.replaced_by != GivenPart::none)
      settings.parameters.erase(parameter.name);
  settings.clusters = request.clusters;
  settings.weights.clear();
  settings.bases.clear();
  settings.oracle.clear();
  settings.oracle_noise = 0;
  if (!settings.constraints.empty() && !path_exists(settings.constraints)) {
    // The run has kept what the file said.
    const fs::path kept = fs::absolute(RunFolder(request.from).file("corrections.csv"));
    settings.constraints = path_exists(kept) ? kept.native() : std::string();
  }
  settings.tensorboard = false;
  settings.snapshots.clear();
  return {settings, refining->info().asks || settings.method == found_by->info().name};
}

/// Whether two sets of labels are one clustering under different numbers.
bool same_clustering(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  if (a.size() != b.size()) return false;
  std::map<std::int32_t, std::int32_t> to, from;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to.emplace(a[i], b[i]).first->second != b[i] ||
        from.emplace(b[i], a[i]).first->second != a[i])
      return false;
  return true;
}

/// Whether an unfinished run was started for the same request.
bool goes_on(const RunFolder& folder, const RunSettings& settings, const Corrections& corrections,
             const std::vector<std::string>& paths) {
  const RunSettings before = settings_from_json(folder.read_manifest().at("settings"));
  if (before.init_from != settings.init_from || before.method != settings.method ||
      before.clusters != settings.clusters || before.constraints != settings.constraints)
    return false;
  std::vector<Constraint> constraints;
  if (!settings.constraints.empty()) constraints = read_constraints(settings.constraints, paths);
  constraints.insert(constraints.end(), corrections.constraints.begin(),
                     corrections.constraints.end());
  const Corrections learned = folder.read_corrections(paths);
  return learned.constraints == constraints && same_clustering(learned.labels, corrections.labels);
}

}  // namespace

std::string refining_method(const MethodInfo& method) {
  if (method.learns_corrections) return method.name;
  return method.network == NetworkKind::autoencoder ? "ae-dac" : "dpac";
}

RunTrainer::RunTrainer(std::string method) : method_(std::move(method)) {
  if (method_.empty() || create_method(method_)->info().learns_corrections) return;
  std::vector<std::string> names;
  for (const auto& known : registered_methods())
    if (known.info.learns_corrections) names.push_back(known.info.name);
  throw UserError("method {} cannot learn answers and corrections; those that can are {}", method_,
                  join(names, ", "));
}

void RunTrainer::train(const RoundRequest& request, Progress& progress, const CancelToken& cancel) {
  const RunFolder folder(request.out);
  const RoundPlan plan = plan_of(request, method_);
  ClusterRequest run{.settings = plan.settings,
                     .out = request.out,
                     .command = "coterie annotate",
                     .corrections = request.corrections};
  if (!request.labels_changed && plan.knows_labels) run.corrections.labels.clear();
  if (folder.has_manifest()) {
    std::vector<std::string> paths;
    for (const auto& row : RunFolder(request.from).read_assignments()) paths.push_back(row.path);
    if (goes_on(folder, run.settings, run.corrections, paths)) {
      resume_run(request.out, progress, cancel);
      return;
    }
    run.force = true;
  }
  run_clustering(run, progress, cancel);
}

}  // namespace coterie
