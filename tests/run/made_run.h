#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "coterie/run/run_folder.h"
#include "coterie/run/settings.h"

namespace coterie::testing {

/// Writes a finished run on the image files `rows` of `source` by hand: what exports read of it.
inline void write_made_run(const std::filesystem::path& run, const std::filesystem::path& source,
                           const std::vector<AssignedRow>& rows, std::int64_t clusters,
                           const std::string& labels = "") {
  std::filesystem::create_directories(run);
  RunSettings settings;
  settings.input = source.native();
  settings.load.labels = labels;
  const RunFolder folder(run);
  folder.write_assignments(rows);
  folder.write_manifest(
      {{"status", "finished"},
       {"settings", to_json(settings)},
       {"clusters", clusters},
       {"input",
        {{"kind", "images"}, {"n", rows.size()}, {"source", path_to_json(source.native())}}}});
}

inline void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
}

inline std::string read_bytes(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// Everything below a folder: kind, content or link text, permissions and time of change of each
/// path. Folders have no times here: they change with what is taken out and put back.
inline std::map<std::string, std::string> tree_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    struct stat info {};
    lstat(entry.path().c_str(), &info);
    std::string what = std::to_string(info.st_mode) + " ";
    if (entry.is_symlink()) {
      what += std::filesystem::read_symlink(entry.path()).native();
    } else if (entry.is_regular_file()) {
      what += std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) +
              " " + read_bytes(entry.path());
    }
    tree[entry.path().lexically_relative(folder).native()] = what;
  }
  return tree;
}

}  // namespace coterie::testing
