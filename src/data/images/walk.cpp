#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"
#include "coterie/data/image_files.h"
#include "coterie/data/images/causes.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using images::cause_of_errno;
using images::cause_of_mode;

struct Found {
  ImageFile file;
  std::int64_t size;
  timespec modified;
};

void hash_field(Sha256& hash, std::string_view field) {
  hash.update(fmt::format("{}:", field.size()));
  hash.update(field);
}

ImageFiles to_image_files(std::vector<Found> found, std::vector<BadFile> bad) {
  Sha256 hash;
  ImageFiles out;
  for (auto& entry : found) {
    hash_field(hash, entry.file.path);
    hash.update(
        fmt::format("{},{}.{:09};", entry.size, entry.modified.tv_sec, entry.modified.tv_nsec));
    out.files.push_back(std::move(entry.file));
  }
  for (const auto& entry : bad) {
    hash_field(hash, entry.path);
    hash_field(hash, entry.cause);
  }
  out.bad = std::move(bad);
  out.fingerprint = hash.hex_digest();
  return out;
}

class FolderWalk {
 public:
  FolderWalk(fs::path root, const CancelToken& cancel) : root_(std::move(root)), cancel_(cancel) {}

  ImageFiles run() {
    walk_from("");
    // Links to folders come after everything that lies inside: a folder that is reached both ways
    // keeps its own name, and one that is reached in a circle was read before.
    while (!linked_.empty()) {
      walk_from(std::move(linked_.extract(linked_.begin()).value()));
    }
    std::sort(found_.begin(), found_.end(),
              [](const Found& a, const Found& b) { return a.file.path < b.file.path; });
    std::sort(bad_.begin(), bad_.end(),
              [](const BadFile& a, const BadFile& b) { return a.path < b.path; });
    return to_image_files(std::move(found_), std::move(bad_));
  }

 private:
  void walk_from(std::string path) {
    std::vector<std::string> folders = {std::move(path)};
    while (!folders.empty()) {
      const std::string folder = std::move(folders.back());
      folders.pop_back();
      read_folder(folder, folders);
    }
  }

  fs::path file_of(const std::string& path) const { return path.empty() ? root_ : root_ / path; }

  /// Whether `coterie cluster` wrote it: people cluster the folder that they are in.
  static bool is_run(const fs::path& folder) {
    const fs::path manifest = folder / "manifest.json";
    if (!path_exists(manifest)) return false;
    try {
      const std::string text = read_file(manifest);
      return text.find("\"coterie\":") != text.npos && text.find("\"status\":") != text.npos;
    } catch (const UserError&) {
      return false;
    }
  }

  void read_folder(const std::string& path, std::vector<std::string>& folders) {
    if (!path.empty() && is_run(file_of(path))) return;
    DIR* listing = ::opendir(file_of(path).c_str());
    struct stat info {};
    if (!listing || ::fstat(::dirfd(listing), &info) != 0) {
      const int error = errno;
      if (listing) ::closedir(listing);
      return refuse_folder(path, error);
    }
    if (read_before_.insert({info.st_dev, info.st_ino}).second) {
      const std::string prefix = path.empty() ? "" : path + "/";
      int error = 0;
      while (const dirent* entry = next_entry(listing, error)) {
        if (entry->d_name[0] == '.') continue;
        if (cancel_.cancelled()) break;
        add_entry(::dirfd(listing), entry->d_name, prefix, folders);
      }
      if (error) refuse_folder(path, error);
    }
    ::closedir(listing);
    cancel_.check();
  }

  static const dirent* next_entry(DIR* listing, int& error) {
    errno = 0;
    const dirent* entry = ::readdir(listing);
    error = entry ? 0 : errno;
    return entry;
  }

  void add_entry(int folder, const char* name, const std::string& prefix,
                 std::vector<std::string>& folders) {
    std::string path = prefix + name;
    struct stat info {};
    if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      bad_.push_back({std::move(path), errno == ENOENT ? "vanished" : cause_of_errno(errno)});
      return;
    }
    if (S_ISDIR(info.st_mode)) {
      folders.push_back(std::move(path));
      return;
    }
    if (S_ISLNK(info.st_mode)) {
      if (::fstatat(folder, name, &info, 0) != 0) {
        bad_.push_back(
            {std::move(path), errno == ENOENT ? "a link to nothing" : cause_of_errno(errno)});
        return;
      }
      if (S_ISDIR(info.st_mode)) {
        linked_.insert(std::move(path));
        return;
      }
    }
    if (std::string cause = cause_of_mode(info.st_mode); !cause.empty()) {
      bad_.push_back({std::move(path), std::move(cause)});
      return;
    }
    fs::path file = file_of(path);
    found_.push_back({{std::move(path), std::move(file)}, info.st_size, info.st_mtim});
  }

  void refuse_folder(const std::string& path, int error) {
    if (path.empty())
      throw UserError("cannot read the folder {}: {}; check its name and rights",
                      printable(root_.native()), cause_of_errno(error));
    bad_.push_back({path, "folder that cannot be read: " + cause_of_errno(error)});
  }

  fs::path root_;
  const CancelToken& cancel_;
  std::vector<Found> found_;
  std::vector<BadFile> bad_;
  std::set<std::string> linked_;
  std::set<std::pair<dev_t, ino_t>> read_before_;
};

/// The entries of a list: lines without their line end, or what lies between NULs.
std::vector<std::string_view> list_entries(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const bool lines = text.find('\0') == std::string_view::npos;
  std::vector<std::string_view> entries;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(lines ? '\n' : '\0'), text.size());
    std::string_view entry = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (lines && entry.ends_with('\r')) entry.remove_suffix(1);
    if (entry.find_first_not_of(" \t\r\n") != std::string_view::npos) entries.push_back(entry);
  }
  return entries;
}

}  // namespace

ImageFiles find_image_files(const fs::path& folder, const CancelToken& cancel) {
  return FolderWalk(folder, cancel).run();
}

ImageFiles read_list_file(const fs::path& list, const CancelToken& cancel) {
  const std::string text = read_file(list);
  const fs::path folder = fs::absolute(list).parent_path();
  std::vector<Found> found;
  std::vector<BadFile> bad;
  std::unordered_set<std::string> named;
  for (const std::string_view entry : list_entries(text)) {
    cancel.check();
    std::string path(entry);
    fs::path file = folder / path;
    struct stat info {};
    std::string cause;
    if (!named.insert(file.lexically_normal().native()).second) {
      cause = "named twice";
    } else if (::stat(file.c_str(), &info) != 0) {
      cause = cause_of_errno(errno);
    } else {
      cause = cause_of_mode(info.st_mode);
    }
    if (!cause.empty()) {
      bad.push_back({std::move(path), std::move(cause)});
    } else {
      found.push_back({{std::move(path), std::move(file)}, info.st_size, info.st_mtim});
    }
  }
  if (found.empty() && bad.empty())
    throw UserError("the list {} names no file: write one path per line", printable(list.native()));
  return to_image_files(std::move(found), std::move(bad));
}

}  // namespace coterie
