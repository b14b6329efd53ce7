#include "coterie/data/truth_folders.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "coterie/data/source.h"

namespace coterie {
namespace {

/// Folder level `level` of a path, empty where the path is less deep.
std::string_view folder_level(std::string_view path, int level) {
  for (;;) {
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return {};
    if (level-- == 0) return path.substr(0, slash);
    path.remove_prefix(slash + 1);
  }
}

bool is_split(std::string_view folder) {
  static constexpr std::array<std::string_view, 6> kSplits = {"train", "test",       "val",
                                                              "valid", "validation", "unlabeled"};
  const std::string lower = lower_case(std::string(folder));
  return std::find(kSplits.begin(), kSplits.end(), lower) != kSplits.end();
}

}  // namespace

std::vector<std::string> truth_folder_of(const std::vector<std::string>& paths) {
  bool all_split = true;
  bool any_deeper = false;
  for (const auto& path : paths) {
    all_split = all_split && is_split(folder_level(path, 0));
    any_deeper = any_deeper || !folder_level(path, 1).empty();
  }
  const int level = all_split && any_deeper ? 1 : 0;
  std::vector<std::string> folders;
  folders.reserve(paths.size());
  for (const auto& path : paths) folders.emplace_back(folder_level(path, level));
  return folders;
}

}  // namespace coterie
