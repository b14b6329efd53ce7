#include "coterie/run/map.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

#include "coterie/core/files.h"
#include "coterie/core/memory.h"
#include "coterie/core/random.h"
#include "coterie/core/text.h"
#include "coterie/core/version.h"
#include "coterie/data/npy.h"
#include "coterie/methods/shallow_methods.h"
#include "coterie/run/cluster.h"
#include "coterie/run/run_folder.h"
#include "coterie/run/snapshots.h"
#include "coterie/shallow/principal_components.h"
#include "coterie/shallow/rows.h"
#include "coterie/shallow/tsne_layout.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::int64_t kComponents = 50;
constexpr std::int64_t kFewestRows = 4;

/// What is laid out, and what keeps it in memory.
struct Source {
  std::string name;  // embeddings, features, pixels or that of a snapshot
  ConstFeatures rows;
  std::vector<std::int32_t> labels;  // empty for a snapshot
  FeatureRows file;
  Dataset dataset;
  Matrix<float> pixels;
};

/// The snapshot's name as its files have it: of "adapt-5", which is as good, "adapt-0005".
std::string find_snapshot(const RunFolder& folder, const std::string& asked) {
  std::vector<std::string> names;
  for (const Snapshot& snapshot : snapshots_of(folder.snapshots())) names.push_back(snapshot.name);
  const std::size_t dash = asked.rfind('-');
  std::string padded = asked;
  int epoch = 0;
  if (dash != std::string::npos) {
    const char *digits = asked.data() + dash + 1, *end = asked.data() + asked.size();
    const auto [stop, error] = std::from_chars(digits, end, epoch);
    if (error == std::errc() && stop == end)
      padded = fmt::format("{}-{:04}", asked.substr(0, dash), epoch);
  }
  for (const std::string& name : {asked, padded})
    if (std::find(names.begin(), names.end(), name) != names.end()) return name;
  if (names.empty())
    throw UserError("--snapshot {}: {} has no snapshots; cluster again with --snapshots 1,5,20",
                    printable(asked), printable(folder.path().native()));
  throw UserError("--snapshot {} is not in {}; there are: {}", printable(asked),
                  printable(folder.snapshots().native()), join(names, ", "));
}

Source open_source(const RunFolder& folder, const std::string& snapshot, Progress& progress,
                   const CancelToken& cancel) {
  Source source;
  if (!snapshot.empty()) {
    source.name = snapshot;
    source.file = NpyFile(folder.snapshots() / (snapshot + ".npy")).features();
    source.rows = source.file.values;
    return source;
  }
  source.labels = labels_of(folder.read_assignments());
  if (const fs::path embeddings = folder.file("embeddings.npy"); path_exists(embeddings)) {
    source.name = "embeddings";
    source.file = NpyFile(embeddings).features();
    source.rows = source.file.values;
    if (source.rows.rows != static_cast<std::int64_t>(source.labels.size()))
      throw UserError("{} holds {} rows, assignments.csv {}; cluster again",
                      printable(embeddings.native()), source.rows.rows, source.labels.size());
    return source;
  }
  source.dataset = open_run(folder.path(), progress, cancel).dataset;
  source.name = source.dataset.has_images() ? "pixels" : "features";
  source.rows = feature_rows(source.dataset.training_data(), source.pixels);
  return source;
}

LayoutParams layout_params(const std::map<std::string, std::string>& changed, std::int64_t rows) {
  LayoutParams params;
  for (const auto& [name, value] : changed) {
    try {
      LayoutParams::fields().set(params, name, value);
    } catch (const UserError& error) {
      throw UserError("--set {}={}: {}", printable(name), printable(value), error.what());
    }
  }
  if (!changed.contains("perplexity"))
    params.tsne.perplexity =
        std::min(params.tsne.perplexity, static_cast<double>(std::min(rows, params.most) - 1) / 3);
  if (!changed.contains("exaggeration_iterations"))
    params.tsne.exaggeration_iterations =
        std::min(params.tsne.exaggeration_iterations, (params.tsne.iterations + 3) / 4);
  return params;
}

/// The rows along their first components, which are learned from `most` of them.
Matrix<float> reduced(ConstFeatures rows, std::int64_t most, const ShallowContext& context) {
  require_memory(4.0 * kComponents * static_cast<double>(rows.rows),
                 fmt::format("{} components of {} rows", kComponents, rows.rows),
                 "free some, or map a run on fewer rows");
  if (context.progress) context.progress->begin("principal components", 0);
  PrincipalComponents components;
  if (rows.rows > most) {
    RandomStream stream(context.seed, "component sample");
    components.fit(sample_rows(rows, most, stream), kComponents, context);
  } else {
    components.fit(rows, kComponents, context);
  }
  return components.apply(rows);
}

nlohmann::json describe(const Source& source, const LayoutParams& params, const Layout& layout,
                        std::uint64_t seed) {
  auto values = nlohmann::json::object();
  for (const auto& [name, value] : LayoutParams::fields().values(params)) values[name] = value;
  auto steps = nlohmann::json::array();
  for (const TsneStep& step : layout.steps)
    steps.push_back({{"iteration", step.iteration}, {"kl", step.divergence}});
  return {{"format", 1},
          {"coterie", kVersion},
          {"laid_out", source.name},
          {"n", source.rows.rows},
          {"placed", layout.placed.size()},
          {"columns", source.rows.cols},
          {"components", std::min(source.rows.cols, kComponents)},
          {"perplexity", params.tsne.perplexity},
          {"iterations", params.tsne.iterations},
          {"kl", layout.steps.back().divergence},
          {"steps", steps},
          {"seed", seed},
          {"parameters", values}};
}

}  // namespace

std::vector<ParamInfo> map_parameters() { return LayoutParams::fields().describe(); }

nlohmann::json map_run(const MapRequest& request, Progress& progress, const CancelToken& cancel) {
  const auto start = std::chrono::steady_clock::now();
  const RunFolder folder(request.run);
  folder.read_finished_manifest();
  const std::string snapshot =
      request.snapshot.empty() ? "" : find_snapshot(folder, request.snapshot);
  const Source source = open_source(folder, snapshot, progress, cancel);
  if (source.rows.rows < kFewestRows)
    throw UserError("{} holds {} rows; a map needs {} or more", printable(request.run.native()),
                    source.rows.rows, kFewestRows);
  const LayoutParams params = layout_params(request.parameters, source.rows.rows);
  params.validate();
  const ShallowContext context{request.seed, &progress, &cancel};
  Matrix<float> narrow;
  if (source.rows.cols > kComponents) narrow = reduced(source.rows, params.most, context);
  const Layout layout =
      lay_out_rows(narrow.empty() ? source.rows : narrow.view(), source.labels, params, context);
  nlohmann::json map = describe(source, params, layout, request.seed);
  map["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!snapshot.empty()) {
    RunFolder(folder.snapshots()).write_matrix((snapshot + "-map.npy").c_str(), layout.positions);
    return map;
  }
  // Where there is a map.json, it is that of the map.npy beside it.
  std::error_code absent;
  fs::remove(folder.file("map.json"), absent);
  folder.write_matrix("map.npy", layout.positions);
  write_file(folder.file("map.json"), map.dump(2) + "\n");
  return map;
}

}  // namespace coterie
