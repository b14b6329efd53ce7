#include <memory>
#include <string>
#include <vector>

#include "commands.h"

#if defined(COTERIE_WEB)
#include <fmt/format.h>

#include "console.h"
#include "coterie/core/text.h"
#include "coterie/report/report.h"
#include "coterie/report/side_by_side.h"
#include "results.h"

namespace coterie {
namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string out;
  bool compare = false;
};

nlohmann::json rows_of(const Matrix<double>& matrix) {
  auto rows = nlohmann::json::array();
  for (std::int64_t i = 0; i < matrix.rows(); ++i)
    rows.push_back(std::vector<double>(matrix.row(i), matrix.row(i) + matrix.cols()));
  return rows;
}

int compare(const ReportOptions& options, Session& session) {
  Console console(session.quiet);
  const SideBySide sides =
      open_side_by_side({options.runs.begin(), options.runs.end()}, console, *session.cancel);
  const std::filesystem::path folder =
      options.out.empty() ? RunFolder(options.runs.front()).report().parent_path() / "comparison"
                          : std::filesystem::path(options.out);
  const auto page = write_side_by_side(sides, folder, *session.cancel);
  if (session.json) {
    auto runs = nlohmann::json::array();
    for (const auto& run : options.runs) runs.push_back(path_to_json(run));
    print_json({{"runs", runs},
                {"n", sides.dataset.size()},
                {"nmi", rows_of(sides.nmi)},
                {"ari", rows_of(sides.ari)},
                {"same", rows_of(sides.same)},
                {"differ", sides.differ.size()},
                {"report", path_to_json(page.native())},
                {"seconds", steady_seconds() - session.started}});
  } else {
    fmt::print("{}\n", printable(page.native()));
  }
  return 0;
}

int report(const ReportOptions& options, Session& session) {
  if (options.compare) return compare(options, session);
  if (options.runs.size() > 1)
    throw UserError("{} run folders were given; give one, or compare them with --compare",
                    options.runs.size());
  if (!options.out.empty())
    throw UserError("--out is for --compare; the report of one run is RUN/report/index.html");
  Console console(session.quiet);
  const std::string& run = options.runs.front();
  const LoadedRun loaded = open_run(run, console, *session.cancel);
  const auto page = write_report(loaded, console, *session.cancel);
  tell_of_corrections(run, console);
  if (session.json) {
    print_json({{"run", path_to_json(run)},
                {"report", path_to_json(page.native())},
                {"seconds", steady_seconds() - session.started}});
  } else {
    fmt::print("{}\n", printable(page.native()));
  }
  return 0;
}

}  // namespace
}  // namespace coterie
#endif

namespace coterie {

void add_report_command([[maybe_unused]] CLI::App& app, [[maybe_unused]] Session& session) {
#if defined(COTERIE_WEB)
  auto* command = app.add_subcommand(
      "report", "Write (again) RUN/report/index.html, or a page that compares several runs");
  auto options = std::make_shared<ReportOptions>();
  command->add_option("RUN", options->runs, "Run folder; several with --compare")->required();
  command->add_flag("--compare", options->compare,
                    "Show runs on the same data side by side: scores, sizes, how far they agree, "
                    "and the images on which they differ");
  command
      ->add_option("--out", options->out,
                   "Where --compare writes its index.html (default: report/comparison in the "
                   "first run)")
      ->type_name("DIR");
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return report(*options, session); };
  });
#endif
}

}  // namespace coterie
