#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <memory>

#include "commands.h"
#include "console.h"
#include "coterie/core/files.h"
#include "coterie/core/params.h"
#include "coterie/methods/runtime.h"
#include "coterie/run/cluster.h"
#include "results.h"

namespace coterie {
namespace {

struct ClusterOptions {
  std::string input, clusters, max_clusters = "20", method = kAutoMethod, out, labels, seed = "0",
                               config, epochs, time_budget;
  std::string device = "auto", precision = "auto", weights, init_from, snapshots;
  std::string constraints, oracle, oracle_noise = "0";
  std::vector<std::string> set, bases;
  DataOptions data;
  RunEnding ending;
  bool force = false, tensorboard = false;
};

/// A TOML value as `--set` would take it.
std::string toml_text(const std::string& key, const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  throw UserError("--config: '{}' holds a {}; allowed are text, numbers and true or false", key,
                  node.is_array() ? "list" : "date or time");
}

void flatten(const toml::table& table, const std::string& prefix,
             std::map<std::string, std::string>& out) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const auto* inner = node.as_table()) {
      flatten(*inner, name + ".", out);
    } else {
      out[name] = toml_text(name, node);
    }
  }
}

/// Fills options that the command line left open from the file: keys are the long options' names,
/// the table [set] holds the method's parameters.
void apply_config(const std::string& path, const CLI::App& command, ClusterOptions& options,
                  std::map<std::string, std::string>& parameters) {
  const std::string text = read_file(path);
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw UserError("--config {}, line {}: {}", printable(path), error.source().begin.line,
                    error.description());
  }
  const std::vector<std::pair<std::string, std::string*>> known = {
      {"clusters", &options.clusters},
      {"max-clusters", &options.max_clusters},
      {"method", &options.method},
      {"out", &options.out},
      {"labels", &options.labels},
      {"label-column", &options.data.label_column},
      {"seed", &options.seed},
      {"epochs", &options.epochs},
      {"time-budget", &options.time_budget},
      {"device", &options.device},
      {"precision", &options.precision},
      {"weights", &options.weights},
      {"init-from", &options.init_from},
      {"snapshots", &options.snapshots},
      {"constraints", &options.constraints},
      {"oracle", &options.oracle},
      {"oracle-noise", &options.oracle_noise},
      {"image-size", &options.data.image_size},
      {"channels", &options.data.channels}};
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (name == "set" && node.is_table()) {
      flatten(*node.as_table(), "", parameters);
      continue;
    }
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found == known.end()) {
      std::vector<std::string> names{"set"};
      for (const auto& entry : known) names.push_back(entry.first);
      const std::string near = closest(name, names);
      throw UserError("--config {}: unknown key '{}'{}; known are: {}", printable(path),
                      printable(name), near.empty() ? "" : ": did you mean '" + near + "'?",
                      join(names, ", "));
    }
    // What stands on the command line goes before the file.
    if (command.get_option("--" + name)->count() == 0) *found->second = toml_text(name, node);
  }
}

/// The epochs of "1,5,20"; none of an empty text.
std::vector<std::int64_t> parse_epochs(const std::string& text) {
  std::vector<std::int64_t> epochs;
  for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end == begin)
      throw UserError("--snapshots '{}': give epochs with commas between, for example 1,5,20",
                      printable(text));
    epochs.push_back(parse_integer("--snapshots", text.substr(begin, end - begin)));
    if (epochs.back() < 1)
      throw UserError("--snapshots {}: epochs are counted from 1", epochs.back());
    begin = end + 1;
  }
  return epochs;
}

int cluster(const CLI::App& command, ClusterOptions options, Session& session) {
  ClusterRequest request;
  RunSettings& settings = request.settings;
  std::map<std::string, std::string> parameters;
  if (!options.config.empty()) apply_config(options.config, command, options, parameters);
  if (!options.epochs.empty()) parameters["epochs"] = options.epochs;
  for (const auto& item : options.set) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UserError("--set {}: give key=value, for example --set restarts=5", printable(item));
    parameters[item.substr(0, equals)] = item.substr(equals + 1);
  }
  if (options.clusters.empty())
    throw UserError("-k is missing: say how many clusters, for example -k 10, or -k auto");
  settings.input = options.input;
  settings.load = load_options(options.data);
  settings.load.labels = options.labels;
  settings.method = options.method;
  if (options.clusters != "auto") {
    settings.clusters = parse_integer("-k", options.clusters);
    if (settings.clusters < 2)
      throw UserError(
          "-k {} is out of range: allowed is auto, or 2 to the number of images or rows",
          settings.clusters);
  }
  settings.most_clusters = parse_integer("--max-clusters", options.max_clusters);
  if (settings.most_clusters < 2 || settings.most_clusters > 1000)
    throw UserError("--max-clusters {} is out of range: allowed is 2 to 1000",
                    settings.most_clusters);
  settings.parameters = parameters;
  const std::int64_t seed = parse_integer("--seed", options.seed);
  if (seed < 0) throw UserError("--seed {} is out of range: allowed is 0 or more", seed);
  settings.seed = static_cast<std::uint64_t>(seed);
  settings.device = options.device;
  settings.precision = options.precision;
  settings.weights = options.weights;
  settings.init_from = options.init_from;
  settings.bases = options.bases;
  settings.constraints = options.constraints;
  settings.oracle = options.oracle;
  settings.oracle_noise = parse_real("--oracle-noise", options.oracle_noise);
  if (settings.oracle_noise < 0 || settings.oracle_noise > 1)
    throw UserError("--oracle-noise {} is out of range: allowed is 0 to 1", options.oracle_noise);
  if (!options.time_budget.empty())
    settings.time_budget = parse_duration("--time-budget", options.time_budget);
  settings.tensorboard = options.tensorboard;
  settings.snapshots = parse_epochs(options.snapshots);
  request.out = options.out;
  request.force = options.force;
  request.command = session.command_line;

  Console console(session.quiet || process_rank() > 0);
  if (process_rank() > 0) {
    assist_clustering(settings, console, *session.cancel);
    return 0;
  }
  return end_run(run_clustering(request, console, *session.cancel), options.ending, session,
                 console);
}

}  // namespace

void add_cluster_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("cluster", "Group images or feature rows; write a run folder");
  auto options = std::make_shared<ClusterOptions>();
  command
      ->add_option("INPUT", options->input,
                   "Folder of images, .npy, .csv, IDX file, folder of CIFAR/STL/IDX binaries, "
                   ".tar or .zip of images, list file, pack, or a name from `coterie datasets`")
      ->required();
  command->add_option("-k,--clusters", options->clusters, "Number of clusters, or auto to find it")
      ->type_name("K|auto");
  command->add_option("--max-clusters", options->max_clusters, "The most that -k auto looks at")
      ->type_name("K")
      ->capture_default_str();
  command
      ->add_option("--method", options->method,
                   "See `coterie methods`; auto: ae for images, pac for features")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--out", options->out, "Run folder to write (default: a new one in runs/)")
      ->type_name("RUN");
  command
      ->add_option(
          "--labels", options->labels,
          "Ground truth, for scoring only: a file, or `folders` for the first folder level")
      ->type_name("FILE|folders");
  command->add_option("--seed", options->seed, "Same seed, same result")
      ->type_name("S")
      ->capture_default_str();
  command->add_option("--epochs", options->epochs, "Same as --set epochs=N (deep methods)")
      ->type_name("N");
  command->add_option("--set", options->set, "Set a parameter of the method (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--config", options->config, "Read options from a TOML file")
      ->type_name("FILE");
  command
      ->add_option("--time-budget", options->time_budget,
                   "Fit the training into this time, e.g. 10m (deep methods)")
      ->type_name("TIME");
  command->add_option("--device", options->device, "auto, cpu, cuda or cuda:NUMBER")
      ->type_name("DEVICE")
      ->capture_default_str();
  command
      ->add_option("--precision", options->precision,
                   "Numbers of networks: auto, fp32 or bf16 (faster; only where the device has it)")
      ->type_name("PRECISION")
      ->capture_default_str();
  command
      ->add_option("--weights", options->weights,
                   "Start the backbone from a safetensors file with torchvision's names")
      ->type_name("FILE");
  command
      ->add_option(
          "--init-from", options->init_from,
          "Start from the network of a finished run: its autoencoder, or its backbone with "
          "projector and clusters where they fit. Parameters that describe it are taken over, but "
          "for those that are set")
      ->type_name("RUN");
  command
      ->add_option("--bases", options->bases,
                   "Runs of the same images whose clusters take part in the method's consensus "
                   "(jdce; repeatable)")
      ->type_name("RUN")
      ->allow_extra_args(false);
  command
      ->add_option("--constraints", options->constraints,
                   "Pairs of images that belong together or apart, to be learned: a csv with "
                   "path_a,path_b,link (must or cannot). With --init-from of a run whose clusters "
                   "fit, nothing else is trained")
      ->type_name("FILE");
  command
      ->add_option("--oracle", options->oracle,
                   "Who answers a method that asks (adc): truth (for experiments), or a csv of "
                   "constraints. A person answers in `coterie annotate`")
      ->type_name("truth|FILE");
  command
      ->add_option("--oracle-noise", options->oracle_noise,
                   "Share of the answers of `truth` that are wrong")
      ->type_name("SHARE")
      ->capture_default_str();
  command
      ->add_option("--snapshots", options->snapshots,
                   "Keep embeddings and probabilities of 10,000 images after these epochs of each "
                   "stage, e.g. 1,5,20, in RUN/snapshots (deep methods)")
      ->type_name("EPOCHS");
  command->add_flag("--force", options->force, "Replace a run that is in --out");
  command->add_flag("--tensorboard", options->tensorboard,
                    "Write event files for TensorBoard to RUN/tensorboard");
  add_ending_options(*command, options->ending);
  add_data_options(*command, options->data);
  add_common_options(*command, session);
  command->callback([command, options, &session] {
    session.trains_together = true;
    session.action = [=, &session] { return cluster(*command, *options, session); };
  });
}

}  // namespace coterie
