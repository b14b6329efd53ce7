#include "coterie/run/export_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "coterie/core/sha256.h"

namespace coterie {
namespace {

constexpr std::size_t kLongestName = 255;  // bytes, NAME_MAX
constexpr std::size_t kShortestMark = 8;   // hexadecimal digits

/// "a.jpg" as "a-MARK.jpg". A name that gets too long loses the end of its stem, whole UTF-8
/// sequences of it.
std::string marked(const std::string& name, const std::string& mark) {
  const std::filesystem::path path(name);
  std::string stem = path.stem().native();
  std::string extension = path.extension().native();
  if (stem.size() + 1 + mark.size() + extension.size() > kLongestName) {
    if (1 + mark.size() + extension.size() >= kLongestName) {
      stem = name;
      extension.clear();
    }
    std::size_t kept = kLongestName - 1 - mark.size() - extension.size();
    while (kept > 0 && (static_cast<unsigned char>(stem[kept]) & 0xc0) == 0x80) --kept;
    stem.resize(kept);
  }
  return stem + "-" + mark + extension;
}

}  // namespace

std::string cluster_folder_name(std::int64_t cluster, std::int64_t clusters) {
  const auto digits = std::max<std::size_t>(2, std::to_string(clusters - 1).size());
  return fmt::format("cluster-{:0{}}", cluster, digits);
}

std::vector<std::string> names_in_folder(const std::vector<std::string>& paths) {
  std::vector<std::string> names(paths.size());
  std::unordered_map<std::string, std::int64_t> uses;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    names[i] = std::filesystem::path(paths[i]).filename().native();
    ++uses[names[i]];
  }
  std::vector<std::size_t> alike;
  std::unordered_set<std::string> taken;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (uses[names[i]] > 1)
      alike.push_back(i);
    else
      taken.insert(names[i]);
  }
  // In the order of the paths, so that names do not hang on the order of the rows.
  std::sort(alike.begin(), alike.end(),
            [&](std::size_t a, std::size_t b) { return paths[a] < paths[b]; });
  for (const std::size_t i : alike) {
    const std::string digest = sha256_hex(paths[i]);
    std::string name;
    for (std::size_t digits = kShortestMark; digits <= digest.size(); ++digits) {
      name = marked(names[i], digest.substr(0, digits));
      if (taken.insert(name).second) break;
    }
    names[i] = name;
  }
  return names;
}

}  // namespace coterie
