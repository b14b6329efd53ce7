// What is odd about a run's data: images that repeat others, and images like no other.
#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "console.h"
#include "coterie/core/text.h"
#include "coterie/run/duplicates.h"
#include "coterie/run/outliers.h"
#include "results.h"

namespace coterie {
namespace {

struct DuplicateOptions {
  std::string run;
  double threshold = 0;
};

int find_repeats(const DuplicateOptions& options, Session& session) {
  if (!(options.threshold >= 0 && options.threshold <= 1))
    throw UserError("--threshold {} is out of range: allowed is 0 to 1; 0 finds one",
                    options.threshold);
  Console console(session.quiet);
  const LoadedRun run = open_run(options.run, console, *session.cancel);
  const Duplicates found = write_duplicates(run, options.threshold, console, *session.cancel);
  const auto file = run.folder.file("duplicates.csv").native();
  std::int64_t exact = 0;
  for (const Duplicate& row : found.rows) exact += row.exact;
  const auto near = static_cast<std::int64_t>(found.rows.size()) - exact;
  if (session.json) {
    print_json({{"run", path_to_json(options.run)},
                {"file", path_to_json(file)},
                {"n", run.dataset.size()},
                {"groups", found.groups},
                {"exact", exact},
                {"near", near},
                {"threshold", found.threshold},
                {"seconds", steady_seconds() - session.started}});
  } else {
    fmt::print("{} groups: {} exact and {} near duplicates (cosine {:.6f} or more) of {}\n{}\n",
               found.groups, exact, near, found.threshold, run.dataset.size(), printable(file));
  }
  return 0;
}

int rank_outliers(const std::string& path, Session& session) {
  constexpr std::size_t kShown = 10;
  Console console(session.quiet);
  const LoadedRun run = open_run(path, console, *session.cancel);
  const auto outliers = write_outliers(run, console, *session.cancel);
  const auto file = run.folder.file("outliers.csv").native();
  if (session.json) {
    auto first = nlohmann::json::array();
    for (std::size_t i = 0; i < std::min(kShown, outliers.size()); ++i)
      first.push_back({{"id", outliers[i].id},
                       {"path", path_to_json(run.rows[outliers[i].id].path)},
                       {"score", outliers[i].score}});
    print_json({{"run", path_to_json(path)},
                {"file", path_to_json(file)},
                {"n", outliers.size()},
                {"strangest", first},
                {"seconds", steady_seconds() - session.started}});
  } else {
    for (std::size_t i = 0; i < std::min(kShown, outliers.size()); ++i)
      fmt::print("{:8.3f}  {}\n", outliers[i].score, printable(run.rows[outliers[i].id].path));
    fmt::print("{}\n", printable(file));
  }
  return 0;
}

}  // namespace

void add_duplicates_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "duplicates", "Find images that repeat others, exactly or nearly; writes RUN/duplicates.csv");
  auto options = std::make_shared<DuplicateOptions>();
  command->add_option("RUN", options->run, "Run folder")->required();
  command
      ->add_option("--threshold", options->threshold,
                   "Cosine between embeddings from which on images are near duplicates; 0: a tenth "
                   "of the usual distance (1 - cosine) between nearest neighbours")
      ->type_name("COSINE")
      ->capture_default_str();
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return find_repeats(*options, session); };
  });
}

void add_outliers_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "outliers", "Rank images by how far they are from all others; writes RUN/outliers.csv");
  auto run = std::make_shared<std::string>();
  command->add_option("RUN", *run, "Run folder")->required();
  add_common_options(*command, session);
  command->callback([run, &session] {
    session.action = [run, &session] { return rank_outliers(*run, session); };
  });
}

}  // namespace coterie
