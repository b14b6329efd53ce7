#include "coterie/run/map.h"

#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "console.h"
#include "coterie/core/text.h"
#include "coterie/run/settings.h"
#include "results.h"

namespace coterie {
namespace {

struct MapOptions {
  std::string run, snapshot;
  std::uint64_t seed = 0;
  std::vector<std::string> set;
};

/// The parameters as lines of the help.
std::string parameter_lines() {
  std::string lines = "Parameters for --set:";
  for (const ParamInfo& info : map_parameters())
    lines +=
        fmt::format("\n  {} = {} ({}): {}", info.name, info.default_value, info.allowed, info.help);
  return lines;
}

int map(const MapOptions& options, Session& session) {
  MapRequest request{.run = options.run, .seed = options.seed, .snapshot = options.snapshot};
  for (const auto& item : options.set) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UserError("--set {}: give key=value, for example --set perplexity=50", printable(item));
    request.parameters[item.substr(0, equals)] = item.substr(equals + 1);
  }
  Console console(session.quiet);
  nlohmann::json result = map_run(request, console, *session.cancel);
  result["seconds"] = steady_seconds() - session.started;
  if (session.json) {
    result["run"] = path_to_json(options.run);
    print_json(result);
    return 0;
  }
  const auto n = result.at("n").get<std::int64_t>();
  const auto placed = result.at("placed").get<std::int64_t>();
  fmt::print("{} rows laid out by their {}{}, perplexity {:.4g}, KL {:.4f}, {}\n", n,
             options.snapshot.empty() ? result.at("laid_out").get<std::string>() : "snapshot",
             placed > 0 ? fmt::format(" ({} placed among the others)", placed) : "",
             result.at("perplexity").get<double>(), result.at("kl").get<double>(),
             duration_text(result.at("seconds")));
  const std::filesystem::path run(options.run);
  const auto written =
      options.snapshot.empty()
          ? run / "map.npy"
          : run / "snapshots" / (result.at("laid_out").get<std::string>() + "-map.npy");
  fmt::print("map: {}\n", printable(written.native()));
  return 0;
}

}  // namespace

void add_map_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "map", "Lay out a run's images or rows in the plane by t-SNE: RUN/map.npy");
  auto options = std::make_shared<MapOptions>();
  command->add_option("RUN", options->run, "Run folder")->required();
  command
      ->add_option("--snapshot", options->snapshot,
                   "Lay out this snapshot of RUN/snapshots (see cluster --snapshots) instead of "
                   "the final state")
      ->type_name("STAGE-EPOCH");
  command->add_option("--seed", options->seed, "Same seed, same map")
      ->check(CLI::NonNegativeNumber)
      ->type_name("S")
      ->capture_default_str();
  command->add_option("--set", options->set, "Set a parameter of the map (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->footer(parameter_lines());
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return map(*options, session); };
  });
}

}  // namespace coterie
