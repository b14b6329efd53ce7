#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/load.h"

namespace coterie {

/// A row of a comparison: a method as it is set up there.
struct ComparedMethod {
  std::string label;   ///< what the table calls it
  std::string method;  ///< of the registry
  std::map<std::string, std::string> parameters;
  bool finds_clusters = false;  ///< is not told the number of clusters
  bool seeded = true;           ///< gives another result from another seed
};

/// A column: a data set with ground truth.
struct ComparedData {
  std::string name;
  std::string input;
  LoadOptions load;
  std::int64_t clusters = 0;
};

/// Methods against data sets, as a paper's table does it.
struct Comparison {
  std::string name;
  std::vector<ComparedMethod> methods;
  std::vector<ComparedData> data;
  /// ACC in the paper, as printed there, by label and data set.
  std::map<std::pair<std::string, std::string>, std::string> published;
};

/// Table 2 of Yan, Lu, Yan (Deep Probability Aggregation Clustering, 2024) on the data sets of it
/// that are freely at hand, and Fashion-MNIST. `folder` holds pendigits/, mnist/, isolet1/ and
/// coil20/.
Comparison dpac_table2(const std::filesystem::path& folder);

/// One clustering of a comparison, scored.
struct ComparedRun {
  std::string data, label;
  std::uint64_t seed = 0;
  double acc = 0, nmi = 0, ari = 0;
  double seconds = 0;  ///< of the fit alone
  std::int64_t clusters = 0;
};

/// Runs what `results` (a file of JSON lines, written after each run) does not hold yet: every
/// method on every data set from seeds 0..seeds-1, or seed 0 alone where seeds do not matter. Data
/// sets that are absent, and methods that refuse one, are left out with a warning. Returns all runs
/// of the file that belong to the comparison.
std::vector<ComparedRun> run_comparison(const Comparison& comparison, int seeds,
                                        const std::filesystem::path& results, Progress& progress,
                                        const CancelToken& cancel);

/// ACC, NMI, ARI (percent, mean and deviation over the seeds) and seconds as Markdown, a table for
/// each data set, beside the published ACC.
std::string comparison_markdown(const Comparison& comparison, const std::vector<ComparedRun>& runs);

}  // namespace coterie
