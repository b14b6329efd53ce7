#pragma once

#include "commands.h"
#include "console.h"
#include "coterie/run/cluster.h"

namespace coterie {

/// What a person wants of a run that is done: --strict, --no-report.
struct RunEnding {
  bool strict = false;
  bool no_report = false;
};
void add_ending_options(CLI::App& command, RunEnding& ending);

/// Writes the report where wanted and prints what the run found: a summary, or JSON. Returns the
/// exit code.
int end_run(const LoadedRun& run, const RunEnding& ending, const Session& session,
            Console& console);

/// Tells those who look at a run itself where people corrected its clusters in the annotator.
void tell_of_corrections(const std::filesystem::path& run, Console& console);

/// JSON on one line, with bytes that are not UTF-8 replaced.
void print_json(const nlohmann::json& json);

/// Each file with its cause.
nlohmann::json bad_files_json(const std::vector<BadFile>& files);

/// "0.7812" figures and sizes of a run in a few lines.
std::string summary_text(const nlohmann::json& metrics);

}  // namespace coterie
