#include "coterie/run/cluster.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "coterie/core/files.h"
#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"
#include "coterie/core/version.h"
#include "coterie/methods/registry.h"
#include "coterie/methods/runtime.h"
#include "coterie/metrics/scores.h"
#include "coterie/metrics/silhouette.h"
#include "coterie/run/oracle.h"
#include "coterie/run/snapshots.h"
#include "coterie/run/tensorboard.h"
#include "coterie/shallow/assignment.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

class Stopwatch {
 public:
  /// Seconds since the last call, or since the start.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// A thread count until it goes out of scope; 0: the one that there is.
class ThreadCountWithin {
 public:
  explicit ThreadCountWithin(int threads) {
    if (threads > 0) set_thread_count(threads);
  }
  ~ThreadCountWithin() { set_thread_count(before_); }
  ThreadCountWithin(const ThreadCountWithin&) = delete;
  ThreadCountWithin& operator=(const ThreadCountWithin&) = delete;

 private:
  int before_ = thread_count();
};

std::unique_ptr<Method> configured_method(const RunSettings& settings) {
  auto method = create_method(settings.method);
  for (const auto& [name, value] : settings.parameters) {
    try {
      method->set_parameter(name, value);
    } catch (const UserError& error) {
      throw UserError("--set {}={} (method {}): {}", printable(name), printable(value),
                      settings.method, error.what());
    }
  }
  return method;
}

constexpr const char* kTruthOracle = "truth";

void check_request(const RunSettings& settings, const MethodInfo& method, const Dataset& dataset) {
  if (method.input == InputKind::images && !dataset.has_images())
    throw UserError(
        "--method {} works on images, but {} holds features; choose a shallow method "
        "such as --method pac",
        method.name, printable(dataset.source));
  if (method.input != InputKind::images && process_count() > 1)
    throw UserError("method {} works in one process; start it without RANK and WORLD_SIZE",
                    method.name);
  if (!settings.weights.empty() && method.network != NetworkKind::backbone)
    throw UserError("--weights: method {} has no backbone to start from them; choose {}",
                    method.name, methods_with(NetworkKind::backbone));
  if (!settings.init_from.empty()) {
    if (method.network == NetworkKind::none)
      throw UserError("--init-from: method {} trains no network that another run's could start",
                      method.name);
    if (!settings.weights.empty())
      throw UserError("--init-from and --weights both say what a network starts from; give one");
    RunFolder(settings.init_from).read_finished_manifest();
  }
  if (!settings.bases.empty() && !method.takes_bases)
    throw UserError("--bases: method {} makes no consensus; choose jdce, or `coterie consensus`",
                    method.name);
  if (!settings.oracle.empty() && !method.asks)
    throw UserError("--oracle: method {} asks nothing; choose adc, or give --constraints",
                    method.name);
  if (settings.oracle_noise != 0 && settings.oracle != kTruthOracle)
    throw UserError("--oracle-noise belongs to --oracle truth");
  if (!settings.snapshots.empty() && method.input != InputKind::images)
    throw UserError("--snapshots: method {} has no epochs; choose a deep one such as ae-dac",
                    method.name);
  if (settings.time_budget > 0 && method.network == NetworkKind::none)
    throw UserError("--time-budget: method {} trains no network; choose a deep one such as ae-dac",
                    method.name);
  if (dataset.size() < 2)
    throw UserError("{} holds {} usable item; clustering needs at least 2",
                    printable(dataset.source), dataset.size());
  if (settings.clusters == 0) {
    if (!method.finds_clusters)
      throw UserError(
          "--method {} needs the number of clusters: give -k, or find it first with "
          "--method pac -k auto",
          method.name);
    return;
  }
  if (settings.clusters < 2 || settings.clusters > dataset.size())
    throw UserError("-k {} is out of range: allowed is 2 to {}, the number of {}",
                    settings.clusters, dataset.size(), dataset.has_images() ? "images" : "rows");
}

/// Creates runs/NAME-METHOD-kK-seedS, with -2, -3 ... where that is taken.
fs::path create_default_run_folder(const RunSettings& settings) {
  std::string stem = fs::path(settings.input).stem().native();
  if (stem.empty()) stem = fs::path(settings.input).parent_path().filename().native();
  if (stem.empty() || stem == "." || stem == "..") stem = "run";
  for (char& c : stem)
    if (static_cast<unsigned char>(c) < 0x20) c = '_';
  const std::string base = fmt::format(
      "{}-{}-k{}-seed{}", stem, settings.method,
      settings.clusters > 0 ? std::to_string(settings.clusters) : "auto", settings.seed);
  const fs::path runs = "runs";
  create_folder(runs);
  fs::path path = runs / base;
  for (int i = 2; !create_new_folder(path); ++i) path = runs / fmt::format("{}-{}", base, i);
  return path;
}

/// Paths as they are from anywhere: a run may be opened or gone on with in another working folder.
void make_paths_absolute(RunSettings& settings) {
  const auto make_absolute = [](std::string& path) {
    if (!path.empty()) path = fs::absolute(path).native();
  };
  for (std::string* path : {&settings.weights, &settings.init_from, &settings.constraints})
    make_absolute(*path);
  for (std::string& path : settings.bases) make_absolute(path);
  if (settings.oracle != kTruthOracle) make_absolute(settings.oracle);
  if (settings.load.labels != kFolderLabels) make_absolute(settings.load.labels);
  if (!settings.load.cache.empty()) settings.load.cache = fs::absolute(settings.load.cache);
}

/// Refuses to replace a run by one that reads it.
void check_reads_outside(const fs::path& out, const RunSettings& settings) {
  std::vector<std::string> read = settings.bases;
  for (const auto& path : {settings.input, settings.load.labels, settings.weights,
                           settings.init_from, settings.constraints, settings.oracle})
    read.push_back(path);
  std::error_code error;
  for (const auto& path : read) {
    if (path.empty() || !fs::exists(path, error)) continue;
    const fs::path within = fs::relative(path, out, error);
    if (!error && !within.empty() && *within.begin() != "..")
      throw UserError(
          "--out {} would be replaced, and {} with it, which the run reads; choose "
          "another folder",
          printable(out.native()), printable(path));
  }
}

/// Refuses a folder that must not be written into.
void check_out_folder(const fs::path& out, bool force) {
  std::error_code error;
  const auto status = fs::status(out, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() != fs::file_type::directory)
    throw UserError("--out {} is not a folder; choose another name", printable(out.native()));
  remove_abandoned_files(out);
  if (fs::is_empty(out, error)) return;
  const RunFolder folder(out);
  if (!folder.has_manifest())
    throw UserError("--out {} holds other files; choose a new or empty folder",
                    printable(out.native()));
  if (force) return;
  if (folder.state() == RunState::finished)
    throw UserError(
        "--out {} holds a finished run; choose another folder, or replace it with "
        "--force",
        printable(out.native()));
  throw UserError(
      "--out {} holds an unfinished run; continue it with `coterie resume {}`, or "
      "replace it with --force",
      printable(out.native()), printable(out.native()));
}

nlohmann::json describe_input(const Dataset& dataset) {
  nlohmann::json input = {{"source", path_to_json(dataset.source)},
                          {"kind", dataset.has_images() ? "images" : "features"},
                          {"n", dataset.size()},
                          {"bad_files", dataset.bad_files.size()},
                          {"fingerprint", dataset.fingerprint}};
  if (!dataset.opened.empty()) input["opened"] = path_to_json(dataset.opened);
  if (dataset.has_images()) {
    input["shape"] = {dataset.shape.channels, dataset.shape.height, dataset.shape.width};
    input["pack"] = path_to_json(dataset.pack.native());
  } else {
    input["columns"] = dataset.features.cols;
  }
  return input;
}

void add_scores(nlohmann::json& metrics, const std::vector<std::int32_t>& labels,
                const Dataset& dataset, std::int64_t clusters) {
  if (!dataset.has_truth()) return;
  metrics.update(figures_of(score(labels, dataset.truth, clusters)));
  metrics["classes"] = dataset.class_names.size();
}

/// The labels that other runs gave the images of `dataset`.
std::vector<std::vector<std::int32_t>> labels_of_runs(const std::vector<std::string>& runs,
                                                      const Dataset& dataset) {
  std::vector<std::vector<std::int32_t>> all;
  for (const auto& path : runs) {
    const RunFolder run(path);
    const auto manifest = run.read_finished_manifest();
    if (manifest.at("input").at("fingerprint") != dataset.fingerprint)
      throw UserError("--bases {} clustered other images than those of {}", printable(path),
                      printable(dataset.source));
    all.push_back(labels_of(run.read_assignments(dataset.paths)));
  }
  return all;
}

/// The part of a run from its settings on, in a folder that is ready for it.
class Run {
 public:
  Run(RunSettings settings, std::string command, Progress& progress, const CancelToken& cancel)
      : settings_(std::move(settings)),
        command_(std::move(command)),
        progress_(progress),
        cancel_(cancel) {}

  /// Everything that can go wrong with the user's input goes wrong here, before a file is written.
  void prepare() {
    make_paths_absolute(settings_);
    device_ = resolved_device_name(settings_.device);
    if (settings_.method != kAutoMethod) configure();
    dataset_ = load_dataset(settings_.input, settings_.load, progress_, cancel_);
    if (settings_.method == kAutoMethod) {
      settings_.method = dataset_.has_images() ? "ae" : "pac";
      configure();
    }
    check_request(settings_, method_->info(), dataset_);
    bases_ = labels_of_runs(settings_.bases, dataset_);
    oracle_ = oracle();
    if (!settings_.weights.empty()) read_safetensors(settings_.weights);  // that it can be read
    const NetworkKind network = method_->info().network;
    if (network == NetworkKind::none) note_network_settings();
    // Narrow numbers pay with all networks but the small autoencoders.
    const bool chosen = network != NetworkKind::none && settings_.precision != "auto";
    const bool narrow =
        network == NetworkKind::backbone || network == NetworkKind::siamese || chosen;
    const std::string asked = narrow ? settings_.precision : "fp32";
    settings_.precision = resolved_precision_name(asked, device_);
    if (asked == "bf16" && settings_.precision != asked)
      progress_.warn(fmt::format(
          "device {} has no instructions for bf16; the network computes in fp32", device_));
    load_seconds_ = watch_.lap();
  }

  /// What there is to learn of people: what the settings name, and `more`.
  void take_corrections(Corrections more) {
    corrections_ = std::move(more);
    if (!settings_.constraints.empty()) {
      const auto named = read_constraints(settings_.constraints, dataset_.paths);
      corrections_.constraints.insert(corrections_.constraints.begin(), named.begin(), named.end());
    }
    check_corrections();
  }
  /// The same for a run that goes on.
  void take_corrections_of(const RunFolder& folder) {
    corrections_ = folder.read_corrections(dataset_.paths);
  }

  const Dataset& dataset() const { return dataset_; }
  const RunSettings& settings() const { return settings_; }

  LoadedRun execute(const RunFolder& folder, bool resume) {
    folder_ = folder;
    if (!settings_.init_from.empty())
      given_network_ = sha256_file(RunFolder(settings_.init_from).file("model.safetensors"));
    folder_.write_manifest(manifest("running"));
    folder_.write_corrections(corrections_, dataset_.paths);
    HistoryWriter history(folder_.file("history.jsonl"), resume);
    FitContext context = fit_context();
    context.checkpoints = folder_.checkpoints();
    std::optional<TensorBoardWriter> tensorboard;
    if (settings_.tensorboard) tensorboard.emplace(folder_.tensorboard());
    context.record = [&](const nlohmann::json& line) {
      history.append(line);
      if (tensorboard) tensorboard->add(line);
    };
    context.score = [&](const std::vector<std::int32_t>& labels) {
      nlohmann::json figures = nlohmann::json::object();
      add_scores(figures, labels, dataset_, 1 + *std::max_element(labels.begin(), labels.end()));
      return figures;
    };
    SnapshotWriter snapshots(folder_.snapshots(), dataset_);
    if (!settings_.snapshots.empty())
      context.snapshots = {settings_.snapshots, snapshots.sample(),
                           [&](const std::string& stage, std::int64_t epoch,
                               const Clustering& seen) { snapshots.write(stage, epoch, seen); }};
    Clustering result;
    try {
      result = method_->fit(dataset_.training_data(), context);
    } catch (const Interrupted&) {
      folder_.write_manifest(manifest("interrupted"));
      progress_.warn(fmt::format("stopped before the end; go on with: coterie resume {}",
                                 printable(folder_.path().native())));
      throw;
    }
    history.flush();
    if (const auto missing = snapshots.missing(settings_.snapshots); !missing.empty())
      progress_.warn(fmt::format("--snapshots: no stage of the training had an epoch {}",
                                 fmt::join(missing, ", ")));
    fit_seconds_ = history.earlier_seconds() + watch_.lap();
    clusters_ = result.probabilities.cols();
    return write(result);
  }

  /// The work of a process that is not the first: it trains with it and writes nothing.
  void assist() { method_->fit(dataset_.training_data(), fit_context()); }

 private:
  void configure() {
    std::vector<std::string> asked;
    for (const auto& [name, value] : settings_.parameters) asked.push_back(name);
    take_network_parameters(settings_);
    method_ = configured_method(settings_);
    if (process_rank() > 0) return;
    for (const std::string& idle :
         idle_parameters(asked, method_->parameters(), method_->parameter_values(),
                         settings_.init_from.empty() ? GivenPart::none : GivenPart::network))
      progress_.warn(fmt::format("--set {}", idle));
  }

  /// Tells of what is set for a network that there is none of.
  void note_network_settings() const {
    const auto tell = [&](const char* option, const std::string& value) {
      progress_.warn(
          fmt::format("{} {} has no effect: method {} trains no network, and computes on the CPU",
                      option, value, settings_.method));
    };
    if (device_ != "cpu" && settings_.device != "auto") tell("--device", settings_.device);
    if (settings_.precision == "bf16") tell("--precision", settings_.precision);
  }

  FitContext fit_context() {
    return {.clusters = settings_.clusters,
            .most_clusters = settings_.most_clusters,
            .seed = settings_.seed,
            .device = device_,
            .precision = settings_.precision,
            .weights = settings_.weights,
            .init_from = settings_.init_from.empty()
                             ? fs::path()
                             : RunFolder(settings_.init_from).file("model.safetensors"),
            .progress = &progress_,
            .cancel = &cancel_,
            .time_budget = settings_.time_budget,
            .corrections = corrections_,
            .bases = bases_,
            .oracle = oracle_};
  }

  Oracle oracle() const {
    if (settings_.oracle.empty()) return {};
    if (settings_.oracle == kTruthOracle)
      return truth_oracle(dataset_, settings_.oracle_noise, settings_.seed);
    return constraint_oracle(read_constraints(settings_.oracle, dataset_.paths), dataset_.size());
  }

  void check_corrections() {
    if (corrections_.empty()) return;
    const MethodInfo& method = method_->info();
    if (!method.learns_corrections)
      throw UserError(
          "--constraints: method {} has no cluster head that could learn them; choose dpac (from "
          "a run of simclr or moco by --init-from), ae-dac (from one of ae) or adc",
          method.name);
    auto& labels = corrections_.labels;
    if (labels.empty()) return;
    if (static_cast<std::int64_t>(labels.size()) != dataset_.size())
      throw UserError("{} corrected labels for {} images", labels.size(), dataset_.size());
    const auto [least, most] = std::minmax_element(labels.begin(), labels.end());
    if (*least < 0 || *most >= settings_.clusters)
      throw UserError("corrected labels of {} to {}: allowed is 0 to {}", *least, *most,
                      settings_.clusters - 1);
    renumber_corrected_labels();
  }

  /// Labels in the numbers of the run that the network comes from, as its head has them.
  void renumber_corrected_labels() {
    if (settings_.init_from.empty()) return;
    nlohmann::json model;
    RunFolder(settings_.init_from).read_model(model);
    const auto order = model.at("label_order").get<std::vector<std::int32_t>>();
    if (static_cast<std::int64_t>(order.size()) != settings_.clusters) return;
    std::vector<std::int32_t> head_number(order.size());
    for (std::size_t k = 0; k < order.size(); ++k)
      head_number[order[k]] = static_cast<std::int32_t>(k);
    for (auto& label : corrections_.labels) label = head_number[label];
  }

  LoadedRun write(Clustering& result) {
    const std::int64_t clusters = clusters_;
    const auto order = order_by_size(result.labels, clusters);
    renumber(result, order);
    LoadedRun loaded;
    folder_.write_bad_files(dataset_.bad_files);
    folder_.write_matrix("probabilities.npy", result.probabilities);
    if (!result.embeddings.empty()) folder_.write_matrix("embeddings.npy", result.embeddings);
    const std::vector<float> confidences = confidences_of(result);
    result.probabilities = {};  // With millions of rows there is not room for both.
    loaded.rows = assigned_rows(dataset_.paths, result.labels, confidences, clusters);
    folder_.write_assignments(loaded.rows);

    nlohmann::json model = {{"format", 1},
                            {"coterie", kVersion},
                            {"method", settings_.method},
                            {"clusters", clusters},
                            {"seed", settings_.seed},
                            {"precision", settings_.precision},
                            {"parameters", parameter_values()},
                            {"input", describe_input(dataset_)},
                            {"label_order", order}};
    folder_.write_model(method_->save(), model);
    for (const auto& [name, text] : method_->files()) write_file(folder_.path() / name, text);

    nlohmann::json metrics = {{"method", settings_.method},
                              {"seed", settings_.seed},
                              {"n", dataset_.size()},
                              {"k", clusters},
                              {"cluster_sizes", cluster_sizes(result.labels, clusters)},
                              {"bad_files", dataset_.bad_files.size()},
                              {"statistics", method_->statistics()}};
    add_scores(metrics, result.labels, dataset_, clusters);
    const double write_seconds = watch_.lap();
    seconds_ = load_seconds_ + fit_seconds_ + write_seconds;
    metrics["seconds"] = seconds_;
    folder_.write_metrics(metrics);
    loaded.manifest = manifest("finished");
    loaded.manifest["timings"] = {{"load", load_seconds_},
                                  {"fit", fit_seconds_},
                                  {"write", write_seconds},
                                  {"total", seconds_}};
    loaded.manifest["files"] = folder_.list_files();
    folder_.write_manifest(loaded.manifest);
    folder_.remove_replaced();
    loaded.folder = folder_;
    loaded.metrics = std::move(metrics);
    loaded.clusters = clusters;
    loaded.dataset = std::move(dataset_);
    return loaded;
  }

  nlohmann::json parameter_values() const {
    auto values = nlohmann::json::object();
    for (const auto& [name, value] : method_->parameter_values()) values[name] = value;
    return values;
  }

  nlohmann::json manifest(const char* status) const {
    nlohmann::json json = {{"format", 1},
                           {"coterie", kVersion},
                           {"status", status},
                           {"command", path_to_json(command_)},
                           {"settings", to_json(settings_)},
                           {"method", settings_.method},
                           {"clusters", clusters_ > 0 ? clusters_ : settings_.clusters},
                           {"seed", settings_.seed},
                           {"parameters", parameter_values()},
                           {"device", device_},
                           {"precision", settings_.precision},
                           {"threads", thread_count()},
                           {"input", describe_input(dataset_)}};
    if (!given_network_.empty()) json["given_network"] = given_network_;
    return json;
  }

  RunFolder folder_{""};
  RunSettings settings_;
  std::string command_;
  std::string given_network_;  // sha256 of the model of settings_.init_from; empty: none
  Progress& progress_;
  const CancelToken& cancel_;
  Stopwatch watch_;
  std::unique_ptr<Method> method_;
  std::string device_;
  Dataset dataset_;
  Corrections corrections_;
  std::vector<std::vector<std::int32_t>> bases_;  // [M][N]
  std::int64_t clusters_ = 0;                     // known when the fit is done
  Oracle oracle_;
  double load_seconds_ = 0;
  double fit_seconds_ = 0;
  double seconds_ = 0;
};

bool holds_checkpoint(const RunFolder& folder) {
  std::error_code error;
  return fs::exists(folder.checkpoints(), error) && !fs::is_empty(folder.checkpoints(), error);
}

void tell_of_replaced(const RunFolder& folder, Progress& progress) {
  if (folder.has_replaced())
    progress.warn(fmt::format("the run that it was to replace is in {}",
                              printable(folder.replaced().native())));
}

/// What an earlier run read, wherever it is opened from: an absolute path, as the working folder
/// may be another by now. Names of data sets stay names.
std::string opened_input(const nlohmann::json& manifest, const RunSettings& settings) {
  const nlohmann::json& input = manifest.at("input");
  const std::string path =
      path_from_json(input.contains("opened") ? input.at("opened") : input.at("source"));
  return path_exists(path) ? path : settings.input;
}

/// The data set of an earlier run, which must not have changed since.
Dataset load_same_dataset(const nlohmann::json& manifest, Progress& progress,
                          const CancelToken& cancel) {
  const RunSettings settings = settings_from_json(manifest.at("settings"));
  Dataset dataset = load_dataset(opened_input(manifest, settings), settings.load, progress, cancel);
  if (dataset.fingerprint != manifest.at("input").at("fingerprint"))
    throw UserError("{} has changed since the run was made; cluster it again",
                    printable(dataset.source));
  return dataset;
}

/// The settings of a stopped run, to go on with.
RunSettings resumed_settings(const fs::path& path) {
  const auto manifest = RunFolder(path).read_manifest();
  RunSettings settings = settings_from_json(manifest.at("settings"));
  settings.input = opened_input(manifest, settings);
  return settings;
}

}  // namespace

void take_network_parameters(RunSettings& settings) {
  if (settings.init_from.empty()) return;
  const auto method = create_method(settings.method);
  const NetworkKind network = method->info().network;
  if (network == NetworkKind::none) return;  // which is refused later, with what to do
  const nlohmann::json manifest = RunFolder(settings.init_from).read_finished_manifest();
  if (create_method(manifest.at("method").get<std::string>())->info().network != network) return;
  const nlohmann::json& values = manifest.at("parameters");
  for (const ParamInfo& parameter : method->parameters())
    if (parameter.carries_over && values.contains(parameter.name))
      settings.parameters.try_emplace(parameter.name, values.at(parameter.name));
}

LoadedRun run_clustering(const ClusterRequest& request, Progress& progress,
                         const CancelToken& cancel) {
  std::optional<FileLock> lock;
  if (!request.out.empty()) {
    std::error_code ignored;
    if (fs::is_directory(request.out, ignored)) lock = RunFolder(request.out).lock();
    check_out_folder(request.out, request.force);
    check_reads_outside(request.out, request.settings);
  }
  Run run(request.settings, request.command, progress, cancel);
  run.prepare();
  run.take_corrections(request.corrections);

  const RunFolder folder(request.out.empty() ? create_default_run_folder(run.settings())
                                             : request.out);
  const bool existed = lock.has_value();
  if (!existed) {
    create_folder(folder.path());
    lock = folder.lock();
    check_out_folder(folder.path(), request.force);  // Another process may have been quicker.
  }
  folder.set_aside();
  try {
    return run.execute(folder, /*resume=*/false);
  } catch (const Interrupted&) {
    tell_of_replaced(folder, progress);
    throw;
  } catch (...) {
    if (holds_checkpoint(folder)) {
      progress.warn(
          fmt::format("what was trained until then is kept; go on with: coterie resume {}",
                      printable(folder.path().native())));
      tell_of_replaced(folder, progress);
    } else {  // A run that cannot be continued leaves nothing behind.
      folder.bring_back();
      std::error_code ignored;
      if (!existed) fs::remove(folder.path(), ignored);  // where nothing else is in it
    }
    throw;
  }
}

void assist_clustering(const RunSettings& settings, Progress& progress, const CancelToken& cancel) {
  Run run(settings, "", progress, cancel);
  run.prepare();
  run.take_corrections({});
  run.assist();
}

void assist_resumed(const fs::path& path, Progress& progress, const CancelToken& cancel,
                    int threads) {
  const RunFolder folder(path);
  if (folder.state() == RunState::finished) return;
  const ThreadCountWithin count(threads > 0 ? threads : folder.read_manifest().value("threads", 0));
  Run run(resumed_settings(path), "", progress, cancel);
  run.prepare();
  run.take_corrections_of(folder);
  run.assist();
}

LoadedRun resume_run(const fs::path& path, Progress& progress, const CancelToken& cancel,
                     int threads) {
  const RunFolder folder(path);
  const FileLock lock = folder.lock();
  if (folder.state() == RunState::finished) return open_run(path, progress, cancel);
  const auto manifest = folder.read_manifest();
  const ThreadCountWithin count(threads > 0 ? threads : manifest.value("threads", 0));
  Run run(resumed_settings(path), path_from_json(manifest.at("command")), progress, cancel);
  run.prepare();
  if (run.dataset().fingerprint != manifest.at("input").at("fingerprint"))
    throw UserError("{} has changed since the run was started; start again with --force",
                    printable(run.dataset().source));
  run.take_corrections_of(folder);
  return run.execute(folder, /*resume=*/holds_checkpoint(folder));
}

LoadedRun open_run(const fs::path& path, Progress& progress, const CancelToken& cancel) {
  LoadedRun run;
  run.folder = RunFolder(path);
  run.manifest = run.folder.read_finished_manifest();
  run.dataset = load_same_dataset(run.manifest, progress, cancel);
  run.metrics = run.folder.read_metrics();
  run.clusters = run.manifest.at("clusters");
  run.rows = run.folder.read_assignments(run.dataset.paths);
  return run;
}

nlohmann::json evaluate_run(const fs::path& path, const std::string& labels, Progress& progress,
                            const CancelToken& cancel) {
  Stopwatch watch;
  LoadedRun run = open_run(path, progress, cancel);
  if (!labels.empty()) attach_truth(run.dataset, labels);
  const std::vector<std::int32_t> found = labels_of(run.rows);
  nlohmann::json metrics = {{"method", run.manifest.at("method")},
                            {"seed", run.manifest.at("seed")},
                            {"n", run.dataset.size()},
                            {"k", run.clusters},
                            {"cluster_sizes", cluster_sizes(found, run.clusters)}};
  add_scores(metrics, found, run.dataset, run.clusters);
  if (run.dataset.has_truth()) {
    metrics["nmi_geometric"] =
        normalized_mutual_information(found, run.dataset.truth, NmiMean::geometric);
    const Confusion confusion = confusion_matrix(found, run.dataset.truth);
    auto counts = nlohmann::json::array();
    for (std::int64_t i = 0; i < confusion.counts.rows(); ++i)
      counts.push_back(std::vector<std::int64_t>(
          confusion.counts.row(i), confusion.counts.row(i) + confusion.counts.cols()));
    metrics["confusion"] = {
        {"classes", run.dataset.class_names}, {"clusters", confusion.clusters}, {"counts", counts}};
    auto snapshots = snapshot_scores(run.folder.snapshots(), run.dataset.truth, cancel);
    if (!snapshots.empty()) metrics["snapshots"] = std::move(snapshots);
  }
  // Without ground truth this is the one figure there is: how far apart the clusters are. Where
  // there are so many that the sample cannot have two images of each, it is left out.
  constexpr std::int64_t kSilhouetteRows = 2000;
  Matrix<float> embeddings;
  ConstFeatures features = run.dataset.features;
  if (path_exists(run.folder.file("embeddings.npy"))) {
    embeddings = run.folder.read_matrix("embeddings.npy");
    features = embeddings;
  }
  const auto sizes = cluster_sizes(found, run.clusters);
  const auto filled = std::count_if(sizes.begin(), sizes.end(), [](auto n) { return n > 0; });
  if (!features.empty() && filled > 1 && 2 * filled <= kSilhouetteRows) {
    RandomStream random(run.manifest.at("seed").get<std::uint64_t>(), "silhouette");
    metrics["silhouette"] = sampled_silhouette(features, found, kSilhouetteRows, random, &cancel);
  }
  metrics["seconds"] = watch.lap();
  return metrics;
}

}  // namespace coterie
