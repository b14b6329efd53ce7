#include "results.h"

#include <fmt/format.h>

#include "coterie/core/text.h"
#if defined(COTERIE_WEB)
#include "coterie/annotate/transfer.h"
#include "coterie/report/report.h"
#endif

namespace coterie {

using nlohmann::literals::operator""_json_pointer;

void print_json(const nlohmann::json& json) {
  fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

nlohmann::json bad_files_json(const std::vector<BadFile>& files) {
  auto json = nlohmann::json::array();
  for (const auto& bad : files)
    json.push_back({{"path", path_to_json(bad.path)}, {"cause", bad.cause}});
  return json;
}

std::string summary_text(const nlohmann::json& metrics) {
  std::string text = fmt::format(
      "{} items in {} clusters, method {}, seed {}, {}\n", metrics.at("n").get<std::int64_t>(),
      metrics.at("k").get<std::int64_t>(), metrics.at("method").get<std::string>(),
      metrics.at("seed").get<std::uint64_t>(), duration_text(metrics.at("seconds")));
  const auto sizes = metrics.at("cluster_sizes").get<std::vector<std::int64_t>>();
  constexpr std::size_t kShown = 20;
  text += "sizes:";
  for (std::size_t k = 0; k < std::min(kShown, sizes.size()); ++k)
    text += fmt::format(" {}", sizes[k]);
  if (sizes.size() > kShown) text += fmt::format(" ... ({} more)", sizes.size() - kShown);
  text += "\n";
  if (const auto found =
          metrics.value("/statistics/cluster_count/reason"_json_pointer, std::string());
      !found.empty())
    text += found + "\n";
  if (metrics.contains("acc"))
    text += fmt::format("ACC {:.4f}  NMI {:.4f}  ARI {:.4f}  purity {:.4f}\n",
                        metrics.at("acc").get<double>(), metrics.at("nmi").get<double>(),
                        metrics.at("ari").get<double>(), metrics.at("purity").get<double>());
  if (metrics.contains("silhouette"))
    text += fmt::format("silhouette {:.4f} (sampled)\n", metrics.at("silhouette").get<double>());
  if (metrics.contains("snapshots")) {
    text += "snapshots, most probable clusters of the sample:\n";
    for (const auto& one : metrics.at("snapshots"))
      text += fmt::format("  {} {}: ACC {:.4f}  NMI {:.4f}  ARI {:.4f}\n",
                          one.at("stage").get<std::string>(), one.at("epoch").get<std::int64_t>(),
                          one.at("acc").get<double>(), one.at("nmi").get<double>(),
                          one.at("ari").get<double>());
  }
  return text;
}

void tell_of_corrections([[maybe_unused]] const std::filesystem::path& run,
                         [[maybe_unused]] Console& console) {
#if defined(COTERIE_WEB)
  try {
    if (corrected_clusters(run))
      console.warn(
          "these are the clusters of the run itself; `coterie annotate` and `coterie export` have "
          "them as they were corrected, and what its rounds trained are runs in RUN/rounds");
  } catch (const UserError& error) {
    console.warn(error.what());  // A damaged store does not keep the run's own results back.
  }
#endif
}

void add_ending_options(CLI::App& command, RunEnding& ending) {
  command.add_flag("--strict", ending.strict, "Exit with 3 where files were left out");
#if defined(COTERIE_WEB)
  command.add_flag("--no-report", ending.no_report, "Do not write RUN/report/index.html");
#endif
}

int end_run(const LoadedRun& run, const RunEnding& ending, const Session& session,
            Console& console) {
  nlohmann::json result = run.metrics;
  result["run"] = path_to_json(run.folder.path().native());
#if defined(COTERIE_WEB)
  if (!ending.no_report) {
    const auto report = write_report(run, console, *session.cancel);
    result["report"] = path_to_json(report.native());
  }
#endif
  const std::size_t bad = run.dataset.bad_files.size();
  if (bad > 0)
    console.warn(fmt::format("{} file{} left out, see {}", bad, bad == 1 ? " was" : "s were",
                             printable(run.folder.file("bad_files.csv").native())));
  result["seconds"] = steady_seconds() - session.started;
  if (session.json) {
    print_json(result);
  } else {
    fmt::print("{}", summary_text(result));
    fmt::print("run:    {}\n", printable(run.folder.path().native()));
    if (result.contains("report"))
      fmt::print("report: {}\n", printable(run.folder.report().native()));
  }
  return ending.strict && bad > 0 ? kLeftOut : kDone;
}

}  // namespace coterie
