#include "coterie/run/export_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "coterie/core/sha256.h"

namespace coterie {
namespace {

constexpr std::size_t kLongestName = 255;  // bytes, NAME_MAX
constexpr std::size_t kShortestMark = 8;   // hexadecimal digits

/// Takes whole UTF-8 sequences off the end of a longer text.
void shorten(std::string& text, std::size_t longest) {
  if (text.size() <= longest) return;
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xc0) == 0x80) --longest;
  text.resize(longest);
}

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
    shorten(stem, kLongestName - 1 - mark.size() - extension.size());
  }
  return stem + "-" + mark + extension;
}

}  // namespace

std::string cluster_folder_name(std::int64_t cluster, std::int64_t clusters,
                                const std::string& name) {
  const auto digits = std::max<std::size_t>(2, std::to_string(clusters - 1).size());
  std::string folder = fmt::format("cluster-{:0{}}", cluster, digits);
  if (name.empty()) return folder;
  folder += '-' + name;
  constexpr std::string_view kRefused = "/\\:*?\"<>|";  // here or on other systems' disks
  for (char& c : folder)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || kRefused.find(c) != kRefused.npos)
      c = '_';
  shorten(folder, kLongestName);
  while (folder.back() == ' ' || folder.back() == '.') folder.pop_back();
  return folder;
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
