#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace coterie {

/// A path as messages show it.
std::string shown(const std::filesystem::path& path);

/// With the letters A to Z made small.
std::string lower_case(std::string text);

/// The absolute form of an input, with no trailing slash.
std::filesystem::path absolute_path(const std::filesystem::path& path);

/// Throws UserError saying that `path` does not exist, with the nearest name beside it or among
/// `others`. `what` says what was looked for ("input", "label file").
[[noreturn]] void fail_missing(const std::string& what, const std::filesystem::path& path,
                               const std::vector<std::string>& others = {});

/// sha256 over the names, sizes and modification times of the files.
std::string fingerprint_of_files(const std::vector<std::filesystem::path>& files);

/// The folder for packs: `chosen`, else $COTERIE_CACHE, else $XDG_CACHE_HOME/coterie, else
/// ~/.cache/coterie. Throws UserError where none of them is known.
std::filesystem::path cache_folder(const std::filesystem::path& chosen);

/// The product of the sizes of an array, times `item_bytes`. Throws UserError where it passes 2^62.
std::int64_t checked_bytes(const std::vector<std::int64_t>& shape, std::int64_t item_bytes,
                           const std::string& name);

}  // namespace coterie
