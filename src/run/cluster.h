#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "coterie/core/progress.h"
#include "coterie/methods/method.h"
#include "coterie/run/run_folder.h"
#include "coterie/run/settings.h"

namespace coterie {

/// A clustering to be run into a folder.
struct ClusterRequest {
  RunSettings settings;
  std::filesystem::path out;  ///< the run folder; empty: a new one under runs/
  bool force = false;         ///< replace a run that is there
  std::string command;        ///< as typed, for the manifest
  /// Of people, beside those of `settings.constraints`; labels have the numbers of the run
  /// `settings.init_from`. Kept in the run folder.
  Corrections corrections;
};

/// A run with its data set, as reports and exports need it.
struct LoadedRun {
  RunFolder folder{""};
  nlohmann::json manifest;
  nlohmann::json metrics;
  Dataset dataset;
  std::vector<AssignedRow> rows;
  std::int64_t clusters = 0;
};

/// Sets the parameters that describe the network (ParamInfo::carries_over) as the run
/// `settings.init_from` has them, where that trained the same kind of network; those that are set
/// stay. Throws UserError where there is no such run.
void take_network_parameters(RunSettings& settings);

/// Clusters and writes the whole run folder except the report; the manifest, with status finished,
/// comes last. Throws UserError on bad input, with no new folder left behind; Interrupted when
/// cancelled, with a folder that `resume_run` goes on from.
LoadedRun run_clustering(const ClusterRequest& request, Progress& progress,
                         const CancelToken& cancel);

/// What a process does that trains together with others and is not the first of them (see
/// process_rank): its share of the training. It writes nothing.
void assist_clustering(const RunSettings& settings, Progress& progress, const CancelToken& cancel);
/// The same for a run that the first process resumes.
void assist_resumed(const std::filesystem::path& run, Progress& progress, const CancelToken& cancel,
                    int threads = 0);

/// Continues a stopped run from its last checkpoint with `threads`, or as many as it had (0). On
/// the CPU with as many the result equals that of a run that was never stopped. A finished run is
/// opened as it is.
LoadedRun resume_run(const std::filesystem::path& run, Progress& progress,
                     const CancelToken& cancel, int threads = 0);

/// Opens a finished run and loads its data set again. Throws UserError where the source is gone or
/// no longer the same.
LoadedRun open_run(const std::filesystem::path& run, Progress& progress, const CancelToken& cancel);

/// Scores of a finished run: the fields of metrics.json, with ACC, NMI, ARI and purity against
/// `labels` (LoadOptions::labels), or against the run's own ground truth where empty; with ground
/// truth also those of its snapshots.
nlohmann::json evaluate_run(const std::filesystem::path& run, const std::string& labels,
                            Progress& progress, const CancelToken& cancel);

}  // namespace coterie
