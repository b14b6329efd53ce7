#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/load.h"

namespace coterie {

enum ExitCode {
  kDone = 0,
  kOurBug = 1,
  kUserError = 2,
  kLeftOut = 3,  ///< done, but files were left out (--strict) or not put back (--undo)
  kInterrupted = 130
};

/// What every command shares.
struct Session {
  std::string command_line;  ///< as typed, for the manifest
  CancelToken* cancel = nullptr;
  bool quiet = false;
  bool json = false;
  int threads = 0;
  double started = 0;            ///< seconds on the steady clock
  bool trains_together = false;  ///< the chosen command shares its work out among processes
  std::function<int()> action;   ///< the chosen command's work; its result is the exit code
};

double steady_seconds();

void add_cluster_command(CLI::App& app, Session& session);
void add_launch_command(CLI::App& app, Session& session);
void add_resume_command(CLI::App& app, Session& session);
void add_predict_command(CLI::App& app, Session& session);
void add_evaluate_command(CLI::App& app, Session& session);
void add_nearest_command(CLI::App& app, Session& session);
void add_map_command(CLI::App& app, Session& session);
void add_duplicates_command(CLI::App& app, Session& session);
void add_outliers_command(CLI::App& app, Session& session);
void add_consensus_command(CLI::App& app, Session& session);
void add_export_command(CLI::App& app, Session& session);
void add_report_command(CLI::App& app, Session& session);
void add_annotate_command(CLI::App& app, Session& session);
void add_pack_command(CLI::App& app, Session& session);
void add_views_command(CLI::App& app, Session& session);
void add_methods_command(CLI::App& app, Session& session);
void add_datasets_command(CLI::App& app, Session& session);
void add_doctor_command(CLI::App& app, Session& session);
void add_bench_command(CLI::App& app, Session& session);
void add_completion_command(CLI::App& app, Session& session);
void add_reference_command(CLI::App& app, Session& session);

/// --quiet, --json and --threads.
void add_common_options(CLI::App& command, Session& session);
void add_json_option(CLI::App& command, Session& session);

/// Options of a data set: --image-size, --channels, --label-column, --max-file-mb,
/// --max-megapixels, --cache.
struct DataOptions {
  std::string label_column;
  std::string image_size = "auto";
  std::string channels = "auto";
  std::string max_file_mb;
  std::string max_megapixels;
  std::string cache;
};
void add_data_options(CLI::App& command, DataOptions& options);

LoadOptions load_options(const DataOptions& options);

/// "90", "90s", "10m", "1.5h" as seconds. Throws UserError naming the option.
double parse_duration(const std::string& option, const std::string& text);

}  // namespace coterie
