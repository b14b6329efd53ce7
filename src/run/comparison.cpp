#include "coterie/run/comparison.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/methods/registry.h"
#include "coterie/metrics/scores.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

nlohmann::json to_json(const ComparedRun& run) {
  return {{"data", run.data}, {"label", run.label}, {"seed", run.seed},       {"acc", run.acc},
          {"nmi", run.nmi},   {"ari", run.ari},     {"seconds", run.seconds}, {"k", run.clusters}};
}

/// The runs in a file of JSON lines; none where there is no file.
std::vector<ComparedRun> read_runs(const fs::path& path) {
  std::vector<ComparedRun> runs;
  if (!fs::exists(path)) return runs;
  const std::string text = read_file(path);
  std::size_t begin = 0;
  for (int number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    try {
      const auto line = nlohmann::json::parse(text.substr(begin, end - begin));
      runs.push_back({line.at("data"), line.at("label"), line.at("seed"), line.at("acc"),
                      line.at("nmi"), line.at("ari"), line.at("seconds"), line.at("k")});
    } catch (const nlohmann::json::exception&) {
      throw UserError("{}, line {} holds no run of a comparison; give another file",
                      printable(path.native()), number);
    }
    begin = end + 1;
  }
  return runs;
}

void write_runs(const fs::path& path, const std::vector<ComparedRun>& runs) {
  std::string text;
  for (const auto& run : runs) text += to_json(run).dump() + "\n";
  write_file(path, text);
}

ComparedRun run_once(const ComparedMethod& compared, const ComparedData& data,
                     const Dataset& dataset, std::uint64_t seed, const CancelToken& cancel) {
  auto method = create_method(compared.method);
  for (const auto& [name, value] : compared.parameters) method->set_parameter(name, value);
  const FitContext context{
      .clusters = compared.finds_clusters ? 0 : data.clusters, .seed = seed, .cancel = &cancel};
  const auto start = std::chrono::steady_clock::now();
  const Clustering found = method->fit(dataset.training_data(), context);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Scores scores = score(found.labels, dataset.truth, found.probabilities.cols());
  return {data.name,  compared.label, seed,    scores.acc,
          scores.nmi, scores.ari,     seconds, found.probabilities.cols()};
}

/// Mean and standard deviation (of the population) as "78.0 ± 0.1", in percent.
std::string percent(const std::vector<const ComparedRun*>& runs, double ComparedRun::*figure) {
  double sum = 0, squares = 0;
  for (const auto* run : runs) {
    sum += run->*figure;
    squares += (run->*figure) * (run->*figure);
  }
  const auto count = static_cast<double>(runs.size());
  const double mean = sum / count;
  const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  return runs.size() > 1 ? fmt::format("{:.1f} ± {:.1f}", 100 * mean, 100 * deviation)
                         : fmt::format("{:.1f}", 100 * mean);
}

}  // namespace

Comparison dpac_table2(const fs::path& folder) {
  const auto at = [&](const char* path) { return (folder / path).native(); };
  Comparison table{.name = "table2"};
  table.methods = {
      {"k-means", "kmeans", {}},
      {"k-means, one start", "kmeans", {{"restarts", "1"}}},
      {"PAM", "pam", {}, false, false},
      {"fuzzy c-means", "fcm", {{"m", "1.1"}}},
      {"fuzzy c-means, one start", "fcm", {{"m", "1.1"}, {"restarts", "1"}}},
      {"spectral", "spectral", {}},
      {"spherical k-means", "kmeans", {{"spherical", "true"}}},
      {"RCC, K found", "rcc", {}, true, false},
      {"FINCH", "finch", {}, false, false},
      {"PAC", "pac", {}},
      {"Ward", "agglomerative", {}, false, false},
      {"NMF", "nmf", {{"shift", "true"}}},
      {"Gaussian mixture", "gmm", {}},
  };
  table.data = {
      {"Pendigits", at("pendigits/pendigits.csv"), {.label_column = "label"}, 10},
      {"MNIST test",
       at("mnist/t10k-images-idx3-ubyte.gz"),
       {.labels = at("mnist/t10k-labels-idx1-ubyte.gz")},
       10},
      {"ISOLET-1", at("isolet1/features.npy"), {.labels = at("isolet1/labels.npy")}, 26},
      {"COIL-20", at("coil20/images.npy"), {.labels = at("coil20/labels.npy")}, 20},
      {"Fashion-MNIST", "fashion-mnist", {}, 10},
  };
  const auto publish = [&](const char* label, const char* pendigits, const char* mnist) {
    table.published[{label, "Pendigits"}] = pendigits;
    table.published[{label, "MNIST test"}] = mnist;
  };
  // The paper's figures are of single runs.
  publish("k-means, one start", "67.0 ± 4.7", "53.0 ± 3.6");
  publish("PAM", "75.6 ± 2.5", "47.2 ± 1.7");
  publish("fuzzy c-means, one start", "70.5 ± 2.1", "56.6 ± 2.6");
  publish("spectral", "62.4 ± 4.2", "54.6 ± 2.2");
  publish("spherical k-means", "71.4 ± 4.4", "53.9 ± 2.7");
  publish("RCC, K found", "79.6 ± 0.0", "65.7 ± 0.0");
  publish("FINCH", "62.7 ± 0.0", "57.9 ± 0.0");
  publish("PAC", "78.0 ± 0.0", "59.7 ± 3.6");
  return table;
}

std::vector<ComparedRun> run_comparison(const Comparison& comparison, int seeds,
                                        const fs::path& results, Progress& progress,
                                        const CancelToken& cancel) {
  std::vector<ComparedRun> runs = read_runs(results);
  const auto has_run = [&](const ComparedData& data, const ComparedMethod& method, int seed) {
    return std::any_of(runs.begin(), runs.end(), [&](const ComparedRun& run) {
      return run.data == data.name && run.label == method.label &&
             run.seed == static_cast<std::uint64_t>(seed);
    });
  };
  for (const auto& data : comparison.data) {
    Dataset dataset;
    try {
      dataset = load_dataset(data.input, data.load, progress, cancel);
    } catch (const UserError& error) {
      progress.warn(fmt::format("{} is left out: {}", data.name, error.what()));
      continue;
    }
    for (const auto& method : comparison.methods) {
      const int wanted = method.seeded ? seeds : 1;
      progress.begin(fmt::format("{}, {}", data.name, method.label), wanted);
      for (int seed = 0; seed < wanted; ++seed) {
        if (!has_run(data, method, seed)) {
          try {
            runs.push_back(
                run_once(method, data, dataset, static_cast<std::uint64_t>(seed), cancel));
          } catch (const UserError& error) {
            progress.warn(
                fmt::format("{} on {} is left out: {}", method.label, data.name, error.what()));
            break;
          }
          write_runs(results, runs);
        }
        progress.update(seed + 1);
      }
      progress.end();
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
      double seconds = 0;
      for (const auto* run : found) seconds += run->seconds / static_cast<double>(found.size());
      const auto published = comparison.published.find({method.label, data.name});
      rows +=
          fmt::format("| {} | {} | {} | {} | {} | {} | {} | {:.2f} |\n", method.label, found.size(),
                      found.front()->clusters, percent(found, &ComparedRun::acc),
                      percent(found, &ComparedRun::nmi), percent(found, &ComparedRun::ari),
                      published == comparison.published.end() ? "" : published->second, seconds);
    }
    if (rows.empty()) continue;
    text += fmt::format(
        "### {}\n\n| method | seeds | K | ACC | NMI | ARI | paper's ACC | seconds |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n{}\n",
        data.name, rows);
  }
  return text;
}

}  // namespace coterie
