#pragma once

#include <filesystem>
#include <optional>

namespace coterie {

/// The folder that the paths of a data set are relative to, where each of its rows is a file: an
/// image folder itself, or the folder of a list file. Nothing where the rows are parts of other
/// files (arrays, archives, tables, packs), or `source` (Dataset::source) is not there any more.
std::optional<std::filesystem::path> folder_of_row_files(const std::filesystem::path& source);

}  // namespace coterie
