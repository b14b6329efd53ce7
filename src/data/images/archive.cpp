#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
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

/// Room on the disk that unpacking leaves to others.
constexpr std::uintmax_t kSpareBytes = 256ULL << 20;

struct ArchiveCloser {
  void operator()(archive* a) const { archive_read_free(a); }
};
using ArchiveReader = std::unique_ptr<archive, ArchiveCloser>;

class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent) {
    create_folder(parent);
    remove_abandoned(parent);
    std::string name = (parent / (std::string(kPrefix) + "XXXXXX")).native();
    if (!::mkdtemp(name.data()))
      throw UserError("cannot create a folder in {}: {}; choose another cache folder",
                      printable(parent.native()), std::strerror(errno));
    path_ = name;
    lock_.emplace(path_, "");
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  static constexpr std::string_view kPrefix = "coterie-unpacked-";

  /// Removes the folders of processes that were killed: those that nobody has locked. An empty one
  /// may be about to be.
  static void remove_abandoned(const fs::path& parent) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(parent, ignored)) {
      if (!entry.path().filename().native().starts_with(kPrefix)) continue;
      if (!entry.is_directory(ignored) || fs::is_empty(entry.path(), ignored)) continue;
      try {
        const FileLock lock(entry.path(), "");
        fs::remove_all(entry.path(), ignored);
      } catch (const UserError&) {
        continue;  // in use
      }
    }
  }

  fs::path path_;
  std::optional<FileLock> lock_;
};

[[noreturn]] void refuse(const fs::path& file, const char* reason) {
  throw UserError("cannot read the archive {}: {}; fetch or pack it again",
                  printable(file.native()), printable(reason ? reason : "it is damaged"));
}

ArchiveReader open_archive(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0)
    throw UserError("cannot read the archive {}: {}", printable(file.native()),
                    images::cause_of_errno(errno));
  if (!S_ISREG(info.st_mode))
    throw UserError("cannot read the archive {}: it {}", printable(file.native()),
                    images::cause_of_mode(info.st_mode));
  ArchiveReader reader(archive_read_new());
  archive* a = reader.get();
  archive_read_support_format_tar(a);
  archive_read_support_format_zip(a);
  // Not "all": some of libarchive's filters start other programs.
  archive_read_support_filter_gzip(a);
  archive_read_support_filter_bzip2(a);
  archive_read_support_filter_xz(a);
  archive_read_support_filter_lzma(a);
  archive_read_support_filter_zstd(a);
  archive_read_support_filter_lz4(a);
  // Names as the bytes that the archive holds, whatever the locale.
  archive_read_set_options(a, "hdrcharset=BINARY");
  if (archive_read_open_filename(a, file.c_str(), 1 << 18) != ARCHIVE_OK)
    refuse(file, archive_error_string(a));
  return reader;
}

/// A member's name without empty, "." and ".." levels: nobody can be led out of a folder by it.
std::string plain_name(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::size_t slash = std::min(name.find('/'), name.size());
    const std::string_view level = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (level.empty() || level == "." || level == "..") continue;
    if (!out.empty()) out += '/';
    out += level;
  }
  return out;
}

bool is_hidden(std::string_view name) {
  return name.starts_with('.') || name.find("/.") != std::string_view::npos;
}

/// How many bytes of every name are folders that all of them share, while at least one name has a
/// further folder below.
std::size_t shared_folders(const std::vector<std::string_view>& names) {
  std::size_t shared = 0;
  for (;;) {
    const std::size_t slash = names.empty() ? std::string_view::npos : names[0].find('/', shared);
    if (slash == std::string_view::npos) return shared;
    const std::string_view prefix = names[0].substr(0, slash + 1);
    bool deeper = false;
    for (const auto name : names) {
      if (!name.starts_with(prefix)) return shared;
      deeper = deeper || name.find('/', prefix.size()) != std::string_view::npos;
    }
    if (!deeper) return shared;
    shared = prefix.size();
  }
}

class Unpacking {
 public:
  Unpacking(const fs::path& file, const fs::path& scratch, std::uint64_t member_limit)
      : file_(file),
        folder_(std::make_shared<ScratchFolder>(scratch)),
        reader_(open_archive(file)),
        member_limit_(member_limit) {}

  /// Takes the next member. False at the end of the archive.
  bool next() {
    archive_entry* entry = nullptr;
    int code = ARCHIVE_RETRY;
    while (code == ARCHIVE_RETRY) code = archive_read_next_header(reader_.get(), &entry);
    if (code == ARCHIVE_EOF) return false;
    if (code == ARCHIVE_FATAL) refuse(file_, archive_error_string(reader_.get()));
    if (archive_entry_filetype(entry) == AE_IFDIR) return true;
    const char* raw = archive_entry_pathname(entry);
    std::string name = plain_name(raw ? raw : "");
    if (is_hidden(name)) return true;
    if (name.empty()) name = fmt::format("(member {} without a name)", out_.files.size() + 1);
    std::string cause = take(entry, name);
    if (!cause.empty()) out_.bad.push_back({std::move(name), std::move(cause)});
    return true;
  }

  std::int64_t packed_bytes_read() const { return archive_filter_bytes(reader_.get(), -1); }

  ImageFiles finish() {
    if (out_.files.empty() && out_.bad.empty())
      throw UserError("the archive {} holds no files", printable(file_.native()));
    std::vector<std::string_view> names;
    for (const auto& member : out_.files) names.push_back(member.path);
    for (const auto& member : out_.bad) names.push_back(member.path);
    const std::size_t shared = shared_folders(names);
    for (auto& member : out_.files) member.path.erase(0, shared);
    for (auto& member : out_.bad) member.path.erase(0, shared);
    const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
    std::sort(out_.files.begin(), out_.files.end(), by_path);
    std::stable_sort(out_.bad.begin(), out_.bad.end(), by_path);
    out_.fingerprint = archive_fingerprint(file_);
    out_.keep = folder_;
    return std::move(out_);
  }

 private:
  /// Why the member is of no use, empty where it was unpacked.
  std::string take(archive_entry* entry, const std::string& name) {
    if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) == AE_IFLNK)
      return "is a link in the archive";
    if (std::string cause = images::cause_of_mode(archive_entry_filetype(entry)); !cause.empty())
      return cause;
    if (archive_entry_is_encrypted(entry)) return "is encrypted";
    if (!names_.insert(name).second) return "named twice";
    if (archive_entry_size_is_set(entry) &&
        static_cast<std::uint64_t>(archive_entry_size(entry)) > member_limit_)
      return too_large();
    fs::path target = folder_->path() / std::to_string(out_.files.size());
    if (std::string cause = unpack_to(target); !cause.empty()) {
      ::unlink(target.c_str());
      return cause;
    }
    out_.files.push_back({name, std::move(target)});
    return {};
  }

  std::string too_large() const {
    return fmt::format("larger than the limit of {} bytes", member_limit_);
  }

  /// Why the member could not be unpacked, empty where it was.
  std::string unpack_to(const fs::path& target) {
    const int descriptor = ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) no_room(errno);
    const std::unique_ptr<const int, void (*)(const int*)> closer(
        &descriptor, [](const int* d) { ::close(*d); });
    std::uint64_t size = 0;
    for (;;) {
      const la_ssize_t got = archive_read_data(reader_.get(), buffer_.data(), buffer_.size());
      if (got == 0) return {};
      if (got == ARCHIVE_RETRY) continue;
      const char* told = got < 0 ? archive_error_string(reader_.get()) : nullptr;
      if (got == ARCHIVE_FATAL) refuse(file_, told);
      // Of this member alone: a wrong checksum, a compression that is not known.
      if (got < 0) return fmt::format("damaged: {}", told ? printable(told) : "unreadable");
      size += static_cast<std::uint64_t>(got);
      if (size > member_limit_) return too_large();
      write_data(descriptor, static_cast<std::size_t>(got));
    }
  }

  void write_data(int descriptor, std::size_t count) {
    if (unpacked_since_look_ += count; unpacked_since_look_ > (kSpareBytes >> 4)) {
      unpacked_since_look_ = 0;
      std::error_code unknown;
      const fs::space_info room = fs::space(folder_->path(), unknown);
      if (!unknown && room.available < kSpareBytes) no_room(ENOSPC);
    }
    for (std::size_t done = 0; done < count;) {
      const ssize_t written = ::write(descriptor, buffer_.data() + done, count - done);
      if (written < 0 && errno != EINTR) no_room(errno);
      if (written > 0) done += static_cast<std::size_t>(written);
    }
  }

  [[noreturn]] void no_room(int error) const {
    throw UserError("cannot unpack {} into {}: {}; free some space or choose another cache folder",
                    printable(file_.native()), printable(folder_->path().parent_path().native()),
                    std::strerror(error));
  }

  fs::path file_;
  std::shared_ptr<ScratchFolder> folder_;
  ArchiveReader reader_;
  std::uint64_t member_limit_;
  ImageFiles out_;
  std::unordered_set<std::string> names_;
  std::array<char, 1 << 16> buffer_;
  std::uint64_t unpacked_since_look_ = 0;
};

}  // namespace

ImageFiles unpack_archive(const fs::path& file, const fs::path& scratch, const LoadOptions& options,
                          Progress& progress, const CancelToken& cancel) {
  Unpacking unpacking(file, scratch, options.max_file_bytes);
  std::error_code unknown;
  const std::uintmax_t size = fs::file_size(file, unknown);
  progress.begin("unpacking", unknown ? 0 : static_cast<std::int64_t>(size));
  while (unpacking.next()) {
    cancel.check();
    progress.update(unpacking.packed_bytes_read());
  }
  progress.end();
  return unpacking.finish();
}

std::string archive_fingerprint(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0)
    throw UserError("cannot read the archive {}: {}", printable(file.native()),
                    images::cause_of_errno(errno));
  return sha256_hex(fmt::format("archive {} {}.{:09} {}", info.st_size, info.st_mtim.tv_sec,
                                info.st_mtim.tv_nsec, file.filename().native()));
}

}  // namespace coterie
