#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "commands.h"
#include "console.h"
#include "coterie/core/text.h"
#include "coterie/run/comparisons.h"
#include "results.h"

namespace coterie {
namespace {

struct BenchOptions {
  std::string table, data = ".", runs;
  std::vector<std::string> methods, datasets;
  SeedRange seeds = {.count = 3};
};

Comparison comparison_named(const std::string& name, const std::string& data) {
  std::vector<std::string> known;
  for (Comparison& comparison : comparisons(data)) {
    if (comparison.name == name) return std::move(comparison);
    known.push_back(comparison.name);
  }
  throw UserError("there is no comparison '{}'; known are: {}", printable(name), join(known, ", "));
}

/// Each table with its rows and data sets, as --method and --dataset take them.
std::string tables_text() {
  std::string text = "Tables:";
  for (const Comparison& comparison : comparisons(".")) {
    std::vector<std::string> rows, sets;
    for (const auto& method : comparison.methods) rows.push_back(method.label);
    for (const auto& data : comparison.data) sets.push_back(data.name);
    text += fmt::format("\n\n{}: {}\n  rows: {}\n  data sets: {}", comparison.name,
                        comparison.about, join(rows, "; "), join(sets, "; "));
  }
  return text;
}

int bench(const BenchOptions& options, Session& session) {
  Comparison comparison = comparison_named(options.table, options.data);
  select_from(comparison, options.methods, options.datasets);
  Console console(session.quiet);
  const std::string folder = options.runs.empty() ? "bench-runs/" + comparison.name : options.runs;
  const auto runs = run_comparison(comparison, options.seeds, folder, console, *session.cancel);
  if (runs.empty()) {
    std::vector<std::string> wanted;
    for (const auto& data : comparison.data) wanted.push_back(data.name);
    throw UserError("nothing was run: --data {} holds none of {}", printable(options.data),
                    join(wanted, "; "));
  }
  if (!session.json) {
    fmt::print("{}", comparison_markdown(comparison, runs));
    return 0;
  }
  const auto figures = [](const Agreement& scores) -> nlohmann::json {
    return {{"acc", scores.acc}, {"nmi", scores.nmi}, {"ari", scores.ari}};
  };
  auto list = nlohmann::json::array();
  for (const auto& run : runs) {
    nlohmann::json one = figures(run.scores);
    one.update({{"data", run.data},
                {"method", run.label},
                {"seed", run.seed},
                {"k", run.clusters},
                {"cluster_sizes", run.sizes},
                {"seconds", run.seconds}});
    if (const auto& ensemble = run.ensemble)
      one["ensemble"] = {{"best_base", figures(ensemble->best_base)},
                         {"mean_base", figures(ensemble->mean_base)},
                         {"consensus", figures(ensemble->consensus)}};
    list.push_back(std::move(one));
  }
  print_json({{"table", comparison.name}, {"runs", list}});
  return 0;
}

}  // namespace

void add_bench_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "bench", "Repeat a paper's comparison on data at hand; prints Markdown tables");
  auto options = std::make_shared<BenchOptions>();
  command->add_option("TABLE", options->table, "One of those listed below")->required();
  command->footer(tables_text());
  command
      ->add_option("--data", options->data,
                   "Folder that holds pendigits/, mnist/, isolet1/, coil20/, usps/, "
                   "cifar10-jpeg.tar.xz, imagenette96.tar.xz; what it lacks is left out")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--method", options->methods, "Rows of the table to run (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--dataset", options->datasets, "Its data sets to run (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--seeds", options->seeds.count, "So many seeds")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--first-seed", options->seeds.first, "The first of them; the others follow it")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("S")
      ->capture_default_str();
  command
      ->add_option("--runs", options->runs,
                   "Folder of the runs; those it holds are gone on with, not run again "
                   "(default: bench-runs/TABLE)")
      ->type_name("DIR");
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return bench(*options, session); };
  });
}

}  // namespace coterie
