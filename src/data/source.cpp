#include "coterie/data/source.h"

#include <fmt/ranges.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "coterie/core/error.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"

namespace fs = std::filesystem;

namespace coterie {

std::string shown(const fs::path& path) { return printable(path.native()); }

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return text;
}

fs::path absolute_path(const fs::path& path) {
  fs::path absolute = fs::absolute(path).lexically_normal();
  if (!absolute.has_filename() && absolute.has_relative_path()) absolute = absolute.parent_path();
  return absolute;
}

void fail_missing(const std::string& what, const fs::path& path,
                  const std::vector<std::string>& others) {
  const fs::path absolute = absolute_path(path);
  const fs::path folder = absolute.parent_path();
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw UserError("{} {} does not exist, nor does its folder {}; check the spelling", what,
                    shown(path), shown(folder));
  std::vector<std::string> names = others;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().native());
  const std::string near = closest(absolute.filename().native(), names);
  throw UserError("{} {} does not exist{}; check the spelling", what, shown(path),
                  near.empty() ? "" : "; did you mean '" + printable(near) + "'?");
}

std::string fingerprint_of_files(const std::vector<fs::path>& files) {
  Sha256 hash;
  for (const auto& file : files) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0)
      throw UserError("cannot read {}: {}", shown(file), std::strerror(errno));
    const std::string name = file.filename().native();
    hash.update(fmt::format("{} {} {}.{:09} ", name.size(), info.st_size, info.st_mtim.tv_sec,
                            info.st_mtim.tv_nsec));
    hash.update(name);
  }
  return hash.hex_digest();
}

fs::path cache_folder(const fs::path& chosen) {
  const auto variable = [](const char* name) -> fs::path {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (!chosen.empty()) return chosen;
  if (const fs::path folder = variable("COTERIE_CACHE"); !folder.empty()) return folder;
  if (const fs::path folder = variable("XDG_CACHE_HOME"); !folder.empty())
    return folder / "coterie";
  if (const fs::path home = variable("HOME"); !home.empty()) return home / ".cache" / "coterie";
  throw UserError(
      "there is no folder for decoded images: none of COTERIE_CACHE, XDG_CACHE_HOME and HOME is "
      "set; set COTERIE_CACHE to a folder that you may write to");
}

std::int64_t checked_bytes(const std::vector<std::int64_t>& shape, std::int64_t item_bytes,
                           const std::string& name) {
  std::int64_t product = item_bytes;
  bool overflow = false, zero = false;
  for (const std::int64_t size : shape) {
    zero |= size == 0;
    overflow |= __builtin_mul_overflow(product, size, &product) || product > std::int64_t{1} << 62;
    if (overflow) product = 1;
  }
  if (overflow && !zero)
    throw UserError("{}: a shape of {} is larger than any memory; the file's header is damaged",
                    name, fmt::join(shape, " x "));
  return zero ? 0 : product;
}

}  // namespace coterie
