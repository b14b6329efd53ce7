#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

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

/// Writes what people said of a run's images as a csv (constraints_csv), answers and what follows
/// from edits, without contradictions, and returns how many constraints that were. Works while
/// another process annotates. Where the folder was clustered anew since, the answers alone.
std::int64_t export_constraints(const std::filesystem::path& run, const std::filesystem::path& csv);

}  // namespace coterie
