#include "coterie/shallow/consensus.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "commands.h"
#include "console.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/csv.h"
#include "coterie/data/labels.h"
#include "coterie/metrics/scores.h"
#include "coterie/run/run_folder.h"
#include "coterie/shallow/assignment.h"
#include "results.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;

constexpr Choice<ConsensusMethod> kMethods[] = {{"rotation", ConsensusMethod::rotation},
                                                {"coassociation", ConsensusMethod::coassociation},
                                                {"cspa", ConsensusMethod::cspa},
                                                {"hgpa", ConsensusMethod::hgpa},
                                                {"mcla", ConsensusMethod::mcla}};

struct ConsensusOptions {
  std::vector<std::string> inputs;
  std::int64_t clusters = 0;  // 0: the most that an input has
  std::string method = "rotation";
  RotationParams rotation = {};
  std::string labels;
  std::uint64_t seed = 0;
  std::string out;
};

/// Paths and the label of each, as an input gives them.
struct LabelledPaths {
  std::vector<std::string> paths;
  std::vector<std::int32_t> labels;
};

std::size_t column_of(const std::vector<std::string_view>& header, std::string_view wanted,
                      const std::string& file) {
  const auto found = std::find(header.begin(), header.end(), wanted);
  if (found == header.end())
    throw UserError(
        "{} has no column '{}'; give a run folder, or a csv with the columns path and label", file,
        wanted);
  return static_cast<std::size_t>(found - header.begin());
}

LabelledPaths read_label_set(const fs::path& input) {
  fs::path csv = input;
  std::error_code unreadable;  // which reading tells
  if (fs::is_directory(input, unreadable)) {
    const RunFolder run(input);
    run.read_finished_manifest();
    csv = run.file("assignments.csv");
  }
  const std::string text = read_file(csv), name = printable(csv.native());
  CsvReader reader(text, name);
  std::vector<std::string_view> fields;
  if (!reader.next(fields))
    throw UserError("{} is empty; a csv of labels begins with the line 'path,label'", name);
  const std::size_t width = fields.size();
  const std::size_t path_at = column_of(fields, "path", name);
  const std::size_t label_at = column_of(fields, "label", name);
  LabelledPaths set;
  std::vector<std::string> labels;
  while (reader.next(fields)) {
    if (fields.size() != width)
      throw UserError("{}: line {} has {} fields where the header has {}", name, reader.line(),
                      fields.size(), width);
    if (fields[label_at].empty()) throw UserError("{}: line {} has no label", name, reader.line());
    set.paths.emplace_back(fields[path_at]);
    labels.emplace_back(fields[label_at]);
  }
  if (labels.empty()) throw UserError("{} holds no labels", name);
  set.labels = encode_truth(labels).labels;
  return set;
}

/// The labels of `set` in the order of `paths`.
std::vector<std::int32_t> in_order_of(
    const std::unordered_map<std::string_view, std::size_t>& paths, const LabelledPaths& set,
    const std::string& input, const std::string& first) {
  if (set.paths.size() != paths.size())
    throw UserError("{} labels {} paths, {} labels {}; give clusterings of the same data",
                    printable(input), set.paths.size(), printable(first), paths.size());
  std::vector<std::int32_t> labels(paths.size(), -1);
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    const auto found = paths.find(set.paths[i]);
    if (found == paths.end())
      throw UserError("{} labels '{}', {} does not; give clusterings of the same data",
                      printable(input), printable(set.paths[i]), printable(first));
    if (labels[found->second] >= 0)
      throw UserError("{} has more than one label for '{}'", printable(input),
                      printable(set.paths[i]));
    labels[found->second] = set.labels[i];
  }
  return labels;
}

struct Found {
  std::string method;
  std::vector<std::int32_t> labels;
  std::vector<double> weights;  // of the inputs; empty where the method has none
};

Found find_consensus(const std::string& name, ConsensusMethod method,
                     const RotationParams& rotation, LabelSets sets, std::int64_t clusters,
                     const ShallowContext& context) {
  if (method != ConsensusMethod::rotation)
    return {name, consensus_labels(method, sets, clusters, context), {}};
  RotationConsensus found = rotation_consensus(sets, clusters, rotation, context);
  return {name, std::move(found.labels), std::move(found.alpha)};
}

/// Every method's consensus; the one that agrees most with the inputs.
Found find_best(const RotationParams& rotation, LabelSets sets, std::int64_t clusters,
                const ShallowContext& context, Console& console) {
  std::vector<Found> found;
  std::vector<std::vector<std::int32_t>> candidates;
  for (const auto& [name, method] : kMethods) {
    try {
      found.push_back(find_consensus(name, method, rotation, sets, clusters, context));
      candidates.push_back(found.back().labels);
    } catch (const UserError& error) {
      if (found.empty() && method == ConsensusMethod::mcla) throw;  // All others failed, too.
      console.warn(fmt::format("{} is left out: {}", name, error.what()));
    }
  }
  return found[best_candidate(candidates, sets)];
}

/// All inputs in the order of the first one's paths.
std::vector<std::vector<std::int32_t>> read_sets(const std::vector<std::string>& inputs,
                                                 const LabelledPaths& first) {
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < first.paths.size(); ++i) places.emplace(first.paths[i], i);
  if (places.size() != first.paths.size())
    throw UserError("{} has more than one label for some path", printable(inputs[0]));
  std::vector<std::vector<std::int32_t>> sets = {first.labels};
  for (std::size_t s = 1; s < inputs.size(); ++s) {
    LabelledPaths set = read_label_set(inputs[s]);
    const bool in_order = set.paths == first.paths;  // as mostly: nothing to look up
    sets.push_back(in_order ? std::move(set.labels)
                            : in_order_of(places, set, inputs[s], inputs[0]));
  }
  return sets;
}

nlohmann::json describe(const Found& found, LabelSets sets, std::int64_t clusters,
                        const std::vector<std::int32_t>& truth) {
  nlohmann::json json = {{"n", found.labels.size()},
                         {"k", clusters},
                         {"method", found.method},
                         {"inputs", sets.size()},
                         {"mean_nmi", mean_nmi(found.labels, sets)},
                         {"cluster_sizes", cluster_sizes(found.labels, clusters)}};
  if (!found.weights.empty()) json["weights"] = found.weights;
  if (!truth.empty()) json.update(figures_of(score(found.labels, truth, clusters)));
  return json;
}

int run_consensus(const ConsensusOptions& options, Session& session) {
  Console console(session.quiet);
  if (options.inputs.size() < 2) throw UserError("a consensus needs two inputs or more");
  if (options.rotation.unit_columns && options.method != "rotation" && options.method != "best")
    throw UserError("--unit-columns belongs to --method rotation (or best), not to {}",
                    options.method);
  const LabelledPaths first = read_label_set(options.inputs[0]);
  const auto sets = read_sets(options.inputs, first);
  std::vector<std::int32_t> truth;
  if (!options.labels.empty()) truth = read_path_labels(options.labels, first.paths).labels;

  std::int64_t clusters = options.clusters;
  for (const auto& set : sets)
    if (options.clusters == 0)
      clusters = std::max<std::int64_t>(clusters, *std::max_element(set.begin(), set.end()) + 1);
  const ShallowContext context{options.seed, &console, session.cancel};
  const auto* known =
      std::find_if(std::begin(kMethods), std::end(kMethods),
                   [&](const auto& choice) { return options.method == choice.first; });
  Found found =
      known == std::end(kMethods)
          ? find_best(options.rotation, sets, clusters, context, console)
          : find_consensus(known->first, known->second, options.rotation, sets, clusters, context);
  const auto order = order_by_size(found.labels, clusters);
  for (std::int32_t& label : found.labels) label = order[label];

  std::string csv = "id,path,label\n";
  for (std::size_t i = 0; i < first.paths.size(); ++i)
    csv += fmt::format("{},{},{}\n", i, csv_field(first.paths[i]), found.labels[i]);
  if (!options.out.empty()) write_file(options.out, csv);
  nlohmann::json result = describe(found, sets, clusters, truth);
  result["seed"] = options.seed;
  result["seconds"] = steady_seconds() - session.started;
  if (session.json) {
    if (options.out.empty()) result["labels"] = found.labels;
    print_json(result);
    return 0;
  }
  // The csv, where it goes to stdout, has it for itself.
  if (options.out.empty()) std::fwrite(csv.data(), 1, csv.size(), stdout);
  if (!session.quiet || !options.out.empty())
    fmt::print(options.out.empty() ? stderr : stdout, "{}mean NMI to the inputs {:.4f}\n",
               summary_text(result), result.at("mean_nmi").get<double>());
  return 0;
}

}  // namespace

void add_consensus_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("consensus",
                                     "Combine several clusterings of the same data into one (csv)");
  auto options = std::make_shared<ConsensusOptions>();
  command
      ->add_option("INPUTS", options->inputs,
                   "Run folders, or csv files with the columns path and label")
      ->required();
  command
      ->add_option("-k,--clusters", options->clusters,
                   "Number of clusters (default: the most that an input has)")
      ->check(CLI::Range(2, 1000000))
      ->type_name("K");
  command
      ->add_option("--method", options->method,
                   "rotation (default), coassociation, cspa, hgpa, mcla, or best: the one of them "
                   "that agrees most with the inputs")
      ->check(CLI::IsMember({"rotation", "coassociation", "cspa", "hgpa", "mcla", "best"}))
      ->type_name("NAME");
  command->add_flag("--unit-columns", options->rotation.unit_columns,
                    "rotation: clusters of all sizes count alike, and inputs that disagree with "
                    "the others little; without it all inputs weigh nearly the same");
  command
      ->add_option("--labels", options->labels,
                   "Ground truth, for scoring only: a csv of path and label")
      ->type_name("FILE");
  command->add_option("--seed", options->seed, "Seed of all randomness (default 0)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("S");
  command->add_option("--out", options->out, "Write the csv to a file instead of stdout")
      ->type_name("FILE");
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return run_consensus(*options, session); };
  });
}

}  // namespace coterie
