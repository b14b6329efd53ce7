#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/load.h"
#include "coterie/data/pack.h"

namespace coterie {

/// A row of a comparison: a method as it is set up there.
struct ComparedMethod {
  std::string label;   ///< what the table calls it
  std::string method;  ///< of the registry
  std::map<std::string, std::string> parameters = {};
  std::string start = {};       ///< label of an earlier row, whose network it takes; empty: none
  bool finds_clusters = false;  ///< is not told the number of clusters
  bool seeded = true;           ///< gives another result from another seed
  std::string oracle = {};      ///< who answers its questions, as RunSettings has it
};

/// A column: a data set with ground truth.
struct ComparedData {
  std::string name;
  std::string input;
  LoadOptions load = {};
  std::int64_t clusters = 0;
  DatasetPart part = {};  ///< only this of its images
  int seeds = 0;          ///< at most so many; 0: as asked
  /// Parameters, here alone, of the rows that others start from.
  std::map<std::string, std::string> start_parameters = {};
};

/// Methods against data sets, as a paper's table does it.
struct Comparison {
  std::string name;
  std::string about;  ///< one line
  std::vector<ComparedMethod> methods = {};
  std::vector<ComparedData> data = {};
  std::string published_figures = "ACC";  ///< which of them the paper prints
  /// The paper's figures, as printed there, by label and data set.
  std::map<std::pair<std::string, std::string>, std::string> published = {};
};

/// ACC, NMI and ARI, of 1.
struct Agreement {
  double acc = 0, nmi = 0, ari = 0;
};

/// What an ensemble is made of, scored: its base clusterings and their consensus.
struct EnsembleScores {
  Agreement best_base;  ///< the one of the highest ACC
  Agreement mean_base;
  Agreement consensus;
};

/// One clustering of a comparison, scored.
struct ComparedRun {
  std::string data, label;
  std::uint64_t seed = 0;
  Agreement scores;
  double seconds = 0;  ///< of the fit alone, with those before it was resumed
  std::int64_t clusters = 0;
  std::vector<std::int64_t> sizes;         ///< images of each cluster, largest first
  std::optional<EnsembleScores> ensemble;  ///< its last one, where the method makes any
};

/// What the last line of stage "consensus" in `history` (lines of history.jsonl) tells.
std::optional<EnsembleScores> last_ensemble(const std::vector<nlohmann::json>& history);

/// The seeds of a comparison: first to first + count - 1.
struct SeedRange {
  int first = 0;
  int count = 1;
};

/// Leaves the rows and columns that are named (all where none is), and the rows that those start
/// from. Throws UserError on a name that the comparison lacks.
void select_from(Comparison& comparison, const std::vector<std::string>& methods,
                 const std::vector<std::string>& data);

/// Runs every method on every data set from every seed, or the first alone where seeds do not
/// matter, each into a run folder of its own in `folder`. Finished runs that are there are taken as
/// they are, unfinished ones gone on with. Left out with a warning are data sets that are absent,
/// methods that refuse one, and runs that are there of other data or with other settings.
std::vector<ComparedRun> run_comparison(const Comparison& comparison, SeedRange seeds,
                                        const std::filesystem::path& folder, Progress& progress,
                                        const CancelToken& cancel);

/// ACC, NMI, ARI (percent, mean and deviation over the seeds), the sizes of clusters and seconds as
/// Markdown, a table for each data set, beside the published figures.
std::string comparison_markdown(const Comparison& comparison, const std::vector<ComparedRun>& runs);

}  // namespace coterie
