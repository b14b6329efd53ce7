#include "coterie/data/row_files.h"

#include "coterie/data/array_folder.h"
#include "coterie/data/sniff.h"
#include "coterie/data/source.h"

namespace fs = std::filesystem;

namespace coterie {

std::optional<fs::path> folder_of_row_files(const fs::path& source) {
  if (source.empty()) return std::nullopt;
  std::error_code error;
  const fs::path path = absolute_path(source);
  if (fs::is_directory(path, error)) {
    if (find_array_folder(path)) return std::nullopt;
    return path;
  }
  if (fs::is_regular_file(path, error) && sniff(path) == Form::list) return path.parent_path();
  return std::nullopt;
}

}  // namespace coterie
