#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "commands.h"
#include "console.h"
#include "coterie/core/files.h"
#include "coterie/core/params.h"
#include "coterie/core/text.h"
#include "coterie/run/comparison.h"
#include "results.h"

namespace coterie {
namespace {

struct BenchOptions {
  std::string table, data = ".", results = "table2.jsonl";
  std::vector<std::string> methods, datasets;
  int seeds = 10;
};

/// Leaves the entries whose `name` is among `wanted`, all where none is named.
template <class Entry>
void keep_only(std::vector<Entry>& entries, std::string Entry::*name, const char* option,
               const std::vector<std::string>& wanted) {
  std::vector<std::string> known;
  for (const auto& entry : entries) known.push_back(entry.*name);
  for (const auto& text : wanted)
    if (std::find(known.begin(), known.end(), text) == known.end())
      throw UserError("{} '{}' is not in the table; it has: {}", option, printable(text),
                      join(known, ", "));
  if (wanted.empty()) return;
  std::erase_if(entries, [&](const Entry& entry) {
    return std::find(wanted.begin(), wanted.end(), entry.*name) == wanted.end();
  });
}

int bench(const BenchOptions& options, Session& session) {
  if (options.table != "table2")
    throw UserError("there is no comparison '{}'; known is: table2", printable(options.table));
  Console console(session.quiet);
  Comparison comparison = dpac_table2(options.data);
  keep_only(comparison.methods, &ComparedMethod::label, "--method", options.methods);
  keep_only(comparison.data, &ComparedData::name, "--dataset", options.datasets);
  const auto runs =
      run_comparison(comparison, options.seeds, options.results, console, *session.cancel);
  if (runs.empty())
    throw UserError(
        "none of the data sets is in --data {}; it holds pendigits/, mnist/, isolet1/ "
        "and coil20/",
        printable(options.data));
  if (!session.json) {
    fmt::print("{}", comparison_markdown(comparison, runs));
    return 0;
  }
  auto list = nlohmann::json::array();
  for (const auto& run : runs)
    list.push_back({{"data", run.data},
                    {"method", run.label},
                    {"seed", run.seed},
                    {"k", run.clusters},
                    {"acc", run.acc},
                    {"nmi", run.nmi},
                    {"ari", run.ari},
                    {"seconds", run.seconds}});
  print_json({{"table", comparison.name}, {"runs", list}});
  return 0;
}

}  // namespace

void add_bench_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "bench", "Repeat a paper's comparison on data at hand; prints Markdown tables");
  auto options = std::make_shared<BenchOptions>();
  command->add_option("TABLE", options->table, "table2: the shallow methods of the DPAC paper")
      ->required();
  command
      ->add_option("--data", options->data,
                   "Folder that holds pendigits/, mnist/, isolet1/ and coil20/")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--method", options->methods, "Rows of the table to run (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--dataset", options->datasets, "Its data sets to run (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--seeds", options->seeds, "Seeds 0 to N - 1")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--results", options->results,
                   "File that keeps each run; those it holds are not run again")
      ->type_name("FILE")
      ->capture_default_str();
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return bench(*options, session); };
  });
}

}  // namespace coterie
