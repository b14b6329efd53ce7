#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "coterie/run/exported_clusters.h"

namespace coterie {

/// What became of the constraints of a file.
struct ImportCounts {
  std::int64_t added = 0;
  std::int64_t known = 0;          ///< said of the same pair before
  std::int64_t contradicting = 0;  ///< of those added: ruled out by what was said before
};

/// Adds the constraints of a csv (read_constraints) to the store of a run as answers of
/// `annotator`, all or none. Throws UserError where the run is not finished, as the store does
/// (another process is annotating, say), or where the csv is faulty.
ImportCounts import_constraints(const std::filesystem::path& run, const std::filesystem::path& csv,
                                const std::string& annotator);

/// The clusters of a run as its annotator shows them: those of the newest round, as people edited
/// and named them since. Nothing where they are those of the run itself: where nobody annotated it,
/// or nothing came of that. Works while another process annotates.
std::optional<ExportedClusters> corrected_clusters(const std::filesystem::path& run);

/// Writes what people said of a run's images as a csv (constraints_csv), answers and what follows
/// from edits, without contradictions, and returns how many constraints that were. Works while
/// another process annotates. Where the folder was clustered anew since, the answers alone.
std::int64_t export_constraints(const std::filesystem::path& run, const std::filesystem::path& csv);

}  // namespace coterie
