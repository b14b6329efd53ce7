#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/progress.h"
#include "coterie/data/dataset.h"

namespace coterie {

/// One of several runs on the same data.
struct SideRun {
  std::string name;  ///< the folder as it was given
  nlohmann::json manifest;
  nlohmann::json metrics;
  std::int64_t clusters = 0;
  std::vector<std::int32_t> labels;  ///< [N], its own
  /// [N], its clusters under the numbers of the first run's that they overlap most, one to one;
  /// those left over follow behind.
  std::vector<std::int32_t> matched;
  std::vector<std::int32_t> match_of;  ///< [clusters], the number in `matched` of each
  std::vector<float> confidences;      ///< [N]
};

/// Several runs on the same data, and how far they agree.
struct SideBySide {
  Dataset dataset;
  std::vector<SideRun> runs;
  Matrix<double> nmi, ari;           ///< [R, R]
  Matrix<double> same;               ///< [R, R], the share in the same cluster, best matched
  std::vector<std::int64_t> differ;  ///< rows whose matched labels are not all equal, surest first
};

/// Opens two or more finished runs. Throws UserError where there are fewer, one is not finished, or
/// their data differ.
SideBySide open_side_by_side(const std::vector<std::filesystem::path>& runs, Progress& progress,
                             const CancelToken& cancel);

/// Fills in the figures from data set, labels, clusters and confidences.
void compare_labels(SideBySide& sides, const CancelToken& cancel);

/// Writes DIR/index.html, a page of its own, and returns its path: a table of the runs, their
/// sizes, how far each two agree, and the first 200 rows on which they differ. Throws UserError
/// where the file there is no page of coterie's, or the disk refuses.
std::filesystem::path write_side_by_side(const SideBySide& sides,
                                         const std::filesystem::path& folder,
                                         const CancelToken& cancel);

}  // namespace coterie
