#include "coterie/run/comparison.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"
#include "coterie/methods/registry.h"
#include "coterie/run/cluster.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

/// Says before each phase of a run which run it is.
class NamedProgress : public Progress {
 public:
  NamedProgress(std::string name, Progress& progress)
      : name_(std::move(name)), progress_(progress) {}
  void begin(std::string_view phase, std::int64_t total) override {
    progress_.begin(fmt::format("{}: {}", name_, phase), total);
  }
  void update(std::int64_t done, std::string_view detail) override {
    progress_.update(done, detail);
  }
  void end() override { progress_.end(); }
  void warn(std::string_view message) override {
    progress_.warn(fmt::format("{}: {}", name_, message));
  }

 private:
  std::string name_;
  Progress& progress_;
};

/// "fashion-mnist-ae-k-means" of "Fashion-MNIST" and "AE + k-means".
std::string file_name_of(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte)) {
      name += static_cast<char>(std::tolower(byte));
    } else if (c == '.') {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name;
}

const ComparedMethod& method_of(const Comparison& comparison, const std::string& label) {
  const auto found =
      std::find_if(comparison.methods.begin(), comparison.methods.end(),
                   [&](const ComparedMethod& method) { return method.label == label; });
  if (found == comparison.methods.end())
    throw std::logic_error(fmt::format("comparison {} has no row {}", comparison.name, label));
  return *found;
}

Agreement agreement_of(const nlohmann::json& scores) {
  return {scores.at("acc"), scores.at("nmi"), scores.at("ari")};
}

/// The runs of a comparison in their folders.
class ComparisonRuns {
 public:
  ComparisonRuns(const Comparison& comparison, fs::path folder, Progress& progress,
                 const CancelToken& cancel)
      : comparison_(comparison), folder_(std::move(folder)), progress_(progress), cancel_(cancel) {}

  /// The data set, or its part that is looked at. Throws UserError where it is absent.
  ComparedData prepared(ComparedData data) {
    const Dataset dataset = load_dataset(data.input, data.load, progress_, cancel_);
    fingerprints_[data.name] = dataset.fingerprint;
    if (data.part.whole()) return data;
    const fs::path part = folder_ / (file_name_of(data.name) + ".pack");
    create_folder(folder_);
    write_pack_of_part(part, dataset, data.part);  // anew: the whole may have changed
    data.input = part.native();
    data.load = {};
    fingerprints_[data.name] = load_dataset(data.input, data.load, progress_, cancel_).fingerprint;
    return data;
  }

  ComparedRun run(const ComparedData& data, const ComparedMethod& method, std::uint64_t seed) {
    const RunSettings settings = settings_of(data, method, seed);
    const RunFolder folder(path_of(data, method, seed));
    NamedProgress named(fmt::format("{}, {}, seed {}", data.name, method.label, seed), progress_);
    if (folder.has_manifest()) {
      check_same(folder, settings, fingerprints_.at(data.name));
      if (folder.state() != RunState::finished) resume_run(folder.path(), named, cancel_);
    } else {
      run_clustering({.settings = settings, .out = folder.path()}, named, cancel_);
    }
    const auto metrics = folder.read_metrics();
    return {data.name,
            method.label,
            seed,
            agreement_of(metrics),
            folder.read_finished_manifest().at("timings").at("fit"),
            metrics.at("k"),
            metrics.at("cluster_sizes"),
            last_ensemble(folder.read_history())};
  }

 private:
  fs::path path_of(const ComparedData& data, const ComparedMethod& method,
                   std::uint64_t seed) const {
    return folder_ /
           fmt::format("{}-{}-seed{}", file_name_of(data.name), file_name_of(method.label), seed);
  }

  RunSettings settings_of(const ComparedData& data, const ComparedMethod& method,
                          std::uint64_t seed) {
    RunSettings settings{.input = data.input,
                         .load = data.load,
                         .method = method.method,
                         .clusters = method.finds_clusters ? 0 : data.clusters,
                         .parameters = method.parameters,
                         .seed = seed,
                         .oracle = method.oracle};
    const bool starts_others =
        std::any_of(comparison_.methods.begin(), comparison_.methods.end(),
                    [&](const ComparedMethod& other) { return other.start == method.label; });
    if (starts_others)
      for (const auto& [name, value] : data.start_parameters) settings.parameters[name] = value;
    if (!method.start.empty()) {
      const ComparedMethod& start = method_of(comparison_, method.start);
      run(data, start, seed);
      settings.init_from = path_of(data, start, seed).native();
    }
    return settings;
  }

  /// Throws UserError unless the run that is there is the one that is wanted.
  static void check_same(const RunFolder& folder, RunSettings settings,
                         const std::string& fingerprint) {
    const auto manifest = folder.read_manifest();
    take_network_parameters(settings);
    auto method = create_method(settings.method);
    for (const auto& [name, value] : settings.parameters) method->set_parameter(name, value);
    auto parameters = nlohmann::json::object();
    for (const auto& [name, value] : method->parameter_values()) parameters[name] = value;
    if (manifest.at("method") == settings.method && manifest.at("parameters") == parameters &&
        manifest.at("seed") == settings.seed &&
        manifest.at("settings").at("clusters") == settings.clusters) {
      if (manifest.at("input").at("fingerprint") != fingerprint)
        throw UserError(
            "{} holds a run of other data than those of the comparison; remove it, or give another "
            "folder with --runs",
            printable(folder.path().native()));
      if (!settings.init_from.empty() && manifest.contains("given_network") &&
          manifest.at("given_network") !=
              sha256_file(RunFolder(settings.init_from).file("model.safetensors")))
        throw UserError(
            "{} holds a run that went on from another network than that of {}; remove it, or give "
            "another folder with --runs",
            printable(folder.path().native()), printable(settings.init_from));
      return;
    }
    throw UserError(
        "{} holds a run with other settings than those of the comparison; remove it, or give "
        "another folder with --runs",
        printable(folder.path().native()));
  }

  const Comparison& comparison_;
  std::map<std::string, std::string> fingerprints_;  // of what was prepared, by its name
  fs::path folder_;
  Progress& progress_;
  const CancelToken& cancel_;
};

/// Mean and standard deviation (of the population) as "78.0 ± 0.1", in percent.
std::string percent(const std::vector<Agreement>& seeds, double Agreement::*figure) {
  double sum = 0, squares = 0;
  for (const Agreement& one : seeds) {
    sum += one.*figure;
    squares += (one.*figure) * (one.*figure);
  }
  const auto count = static_cast<double>(seeds.size());
  const double mean = sum / count;
  const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  return seeds.size() > 1 ? fmt::format("{:.1f} ± {:.1f}", 100 * mean, 100 * deviation)
                          : fmt::format("{:.1f}", 100 * mean);
}

/// The start of a row of the table, up to its scores.
std::string scored_row(const std::string& label, std::int64_t clusters,
                       const std::vector<Agreement>& seeds) {
  return fmt::format("| {} | {} | {} | {} | {} | {} |", label, seeds.size(), clusters,
                     percent(seeds, &Agreement::acc), percent(seeds, &Agreement::nmi),
                     percent(seeds, &Agreement::ari));
}

/// A row for each part of the ensembles of a method's runs.
std::string ensemble_rows(const std::vector<const ComparedRun*>& runs) {
  std::string rows;
  for (const auto& [name, part] : {std::pair{"best base", &EnsembleScores::best_base},
                                   std::pair{"mean base", &EnsembleScores::mean_base},
                                   std::pair{"consensus", &EnsembleScores::consensus}}) {
    std::vector<Agreement> seeds;
    for (const auto* run : runs)
      if (run->ensemble) seeds.push_back((*run->ensemble).*part);
    if (seeds.empty()) continue;
    rows += scored_row(fmt::format("{}: {}", runs.front()->label, name), runs.front()->clusters,
                       seeds) +
            " | | |\n";
  }
  return rows;
}

/// The entries whose `name` is wanted. Throws UserError on a wanted name that none has.
template <class Entry>
std::set<std::string> named(const std::vector<Entry>& entries, std::string Entry::*name,
                            const char* option, const std::vector<std::string>& wanted) {
  std::vector<std::string> known;
  for (const auto& entry : entries) known.push_back(entry.*name);
  for (const auto& text : wanted)
    if (std::find(known.begin(), known.end(), text) == known.end())
      throw UserError("{} '{}' is not in the table; it has: {}", option, printable(text),
                      join(known, "; "));
  const auto& taken = wanted.empty() ? known : wanted;
  return {taken.begin(), taken.end()};
}

}  // namespace

std::optional<EnsembleScores> last_ensemble(const std::vector<nlohmann::json>& history) {
  const auto line = std::find_if(history.rbegin(), history.rend(), [](const nlohmann::json& one) {
    return one.value("stage", "") == "consensus" && one.contains("consensus_scores");
  });
  if (line == history.rend()) return std::nullopt;
  EnsembleScores scores{.consensus = agreement_of(line->at("consensus_scores"))};
  const auto& bases = line->at("bases").at("scores");
  for (const auto& base : bases) {
    const Agreement one = agreement_of(base);
    if (one.acc > scores.best_base.acc) scores.best_base = one;
    const auto count = static_cast<double>(bases.size());
    scores.mean_base.acc += one.acc / count;
    scores.mean_base.nmi += one.nmi / count;
    scores.mean_base.ari += one.ari / count;
  }
  return scores;
}

void select_from(Comparison& comparison, const std::vector<std::string>& methods,
                 const std::vector<std::string>& data) {
  auto rows = named(comparison.methods, &ComparedMethod::label, "--method", methods);
  const auto columns = named(comparison.data, &ComparedData::name, "--dataset", data);
  // What a row starts from comes before it, so the last first: their own starts come along.
  for (auto method = comparison.methods.rbegin(); method != comparison.methods.rend(); ++method)
    if (rows.contains(method->label) && !method->start.empty()) rows.insert(method->start);
  std::erase_if(comparison.methods, [&](const auto& row) { return !rows.contains(row.label); });
  std::erase_if(comparison.data,
                [&](const auto& column) { return !columns.contains(column.name); });
}

std::vector<ComparedRun> run_comparison(const Comparison& comparison, SeedRange seeds,
                                        const fs::path& folder, Progress& progress,
                                        const CancelToken& cancel) {
  ComparisonRuns in_folder(comparison, folder, progress, cancel);
  std::vector<ComparedRun> runs;
  for (const auto& column : comparison.data) {
    std::optional<ComparedData> data;
    try {
      data = in_folder.prepared(column);
    } catch (const UserError& error) {
      progress.warn(fmt::format("{} is left out: {}", column.name, error.what()));
      continue;
    }
    std::set<std::string> refused;
    const int count = column.seeds > 0 ? std::min(seeds.count, column.seeds) : seeds.count;
    for (int seed = seeds.first; seed < seeds.first + count; ++seed) {
      for (const auto& method : comparison.methods) {
        if ((seed > seeds.first && !method.seeded) || refused.contains(method.label)) continue;
        try {
          runs.push_back(in_folder.run(*data, method, static_cast<std::uint64_t>(seed)));
        } catch (const UserError& error) {
          progress.warn(
              fmt::format("{} on {} is left out: {}", method.label, data->name, error.what()));
          refused.insert(method.label);
        }
      }
    }
  }
  return runs;
}

std::string comparison_markdown(const Comparison& comparison,
                                const std::vector<ComparedRun>& runs) {
  std::string text;
  for (const auto& data : comparison.data) {
    std::string rows;
    for (const auto& method : comparison.methods) {
      std::vector<const ComparedRun*> found;
      for (const auto& run : runs)
        if (run.data == data.name && run.label == method.label) found.push_back(&run);
      if (found.empty()) continue;
      std::vector<Agreement> seeds;
      for (const auto* run : found) seeds.push_back(run->scores);
      double seconds = 0;
      std::int64_t least = found.front()->sizes.back(), most = 0;
      for (const auto* run : found) {
        seconds += run->seconds / static_cast<double>(found.size());
        least = std::min(least, run->sizes.back());
        most = std::max(most, run->sizes.front());
      }
      const auto published = comparison.published.find({method.label, data.name});
      rows +=
          scored_row(method.label, found.front()->clusters, seeds) +
          fmt::format(" {} to {} | {} | {:.2f} |\n", least, most,
                      published == comparison.published.end() ? "" : published->second, seconds) +
          ensemble_rows(found);
    }
    if (rows.empty()) continue;
    text += fmt::format(
        "### {}\n\n| method | seeds | K | ACC | NMI | ARI | sizes | paper's {} | seconds |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n{}\n",
        data.name, comparison.published_figures, rows);
  }
  return text;
}

}  // namespace coterie
