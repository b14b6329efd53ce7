#include "coterie/core/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/file_errors.h"
#include "coterie/core/text.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::size_t kBufferSize = 1 << 20;
constexpr std::string_view kTemporaryPrefix = ".coterie-";
constexpr std::string_view kTemporaryEnd = ".tmp";

void write_all(int descriptor, const char* bytes, std::size_t count, std::int64_t offset,
               const fs::path& path) {
  while (count > 0) {
    const ssize_t written =
        offset < 0 ? ::write(descriptor, bytes, count) : ::pwrite(descriptor, bytes, count, offset);
    if (written < 0) {
      if (errno == EINTR) continue;
      fail_on_file("write", path, errno);
    }
    bytes += written;
    count -= static_cast<std::size_t>(written);
    if (offset >= 0) offset += written;
  }
}

/// Opens for reading; never waits, as a FIFO without a writer would have it. Gives its size.
int open_regular(const char* what, const fs::path& path, std::uint64_t& size) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_on_file(what, path, errno);
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    throw UserError("cannot {} {}: {}, not a regular file", what, printable(path.native()),
                    S_ISDIR(info.st_mode) ? "it is a folder" : "it is a device, pipe or socket");
  }
  size = static_cast<std::uint64_t>(info.st_size);
  return descriptor;
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  // The rename would fail on a folder only at the end, and as root it would replace /dev/null.
  struct stat info {};
  if (::stat(path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    throw UserError("cannot write {}: {}, not a regular file; choose another name",
                    printable(path_.native()),
                    S_ISDIR(info.st_mode) ? "it is a folder" : "it is a device, pipe or socket");
  static std::atomic<unsigned> counter{0};
  temporary_ = path_;
  while (descriptor_ < 0) {
    // Not derived from the full name: that may already be as long as the file system allows. In
    // another container a process may have the same number.
    temporary_.replace_filename(
        fmt::format("{}{}-{}{}", kTemporaryPrefix, ::getpid(), counter++, kTemporaryEnd));
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno == EEXIST) continue;
    if (descriptor_ < 0) fail_on_file("create", path_, errno);
    ::flock(descriptor_, LOCK_EX);
    // Before it was locked it may have passed for an abandoned one.
    struct stat made {};
    if (::fstat(descriptor_, &made) == 0 && made.st_nlink == 0)
      ::close(std::exchange(descriptor_, -1));
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* bytes, std::size_t count) {
  if (buffer_.size() + count > kBufferSize) flush_buffer();
  if (count >= kBufferSize) {
    write_all(descriptor_, static_cast<const char*>(bytes), count, -1, path_);
  } else {
    buffer_.append(static_cast<const char*>(bytes), count);
  }
}

void AtomicFile::write_at(const void* bytes, std::size_t count, std::uint64_t offset) {
  write_all(descriptor_, static_cast<const char*>(bytes), count, static_cast<std::int64_t>(offset),
            path_);
}

void AtomicFile::read_at(void* bytes, std::size_t count, std::uint64_t offset) const {
  auto* to = static_cast<char*>(bytes);
  while (count > 0) {
    const ssize_t got = ::pread(descriptor_, to, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail_on_file("read back", path_, got < 0 ? errno : EIO);
    to += got;
    count -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
}

void AtomicFile::resize(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail_on_file("write", path_, errno);
}

void AtomicFile::flush_buffer() {
  write_all(descriptor_, buffer_.data(), buffer_.size(), -1, path_);
  buffer_.clear();
}

void AtomicFile::commit() {
  flush_buffer();
  if (::fsync(descriptor_) != 0) fail_on_file("flush", path_, errno);
  // Renamed while it is locked: what is not passes for abandoned.
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_on_file("write", path_, errno);
  ::close(std::exchange(descriptor_, -1));
  flush_folder(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
}

void remove_abandoned_files(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().native();
    if (!name.starts_with(kTemporaryPrefix) || !name.ends_with(kTemporaryEnd)) continue;
    const int descriptor =
        ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
    ::close(descriptor);
  }
}

void write_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string read_file(const fs::path& path, std::uint64_t limit) {
  std::uint64_t size = 0;
  const int descriptor = open_regular("read", path, size);
  if (size > limit) {
    ::close(descriptor);
    throw UserError("{} has {} bytes, more than the {} allowed here; is it the right file?",
                    printable(path.native()), size, limit);
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t have = 0;
  int error = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(descriptor, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  ::close(descriptor);
  if (error) fail_on_file("read", path, error);
  text.resize(have);
  return text;
}

MappedFile::MappedFile(const fs::path& path) {
  std::uint64_t size = 0;
  const int descriptor = open_regular("open", path, size);
  if (size > 0) {
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const int error = errno;
    ::close(descriptor);
    if (mapped == MAP_FAILED) fail_on_file("map", path, error);
    data_ = static_cast<const std::byte*>(mapped);
    size_ = static_cast<std::size_t>(size);
  } else {
    ::close(descriptor);
  }
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::forget(std::size_t count) const {
  if (data_) ::madvise(const_cast<std::byte*>(data_), std::min(count, size_), MADV_DONTNEED);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

FileLock::FileLock(const fs::path& path, const std::string& held) {
  std::error_code ignored;
  const int flags = fs::is_directory(path, ignored) ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT;
  descriptor_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_on_file("lock", path, errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    throw UserError("{}", held);
  }
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void flush_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_on_file("flush", path, errno);
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (failed) fail_on_file("flush", path, failed);
}

void flush_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // A folder that may not be read cannot be flushed either.
  ::fsync(descriptor);
  ::close(descriptor);
}

bool path_exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_on_file("create folder", folder, error.value());
}

bool create_new_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0777) == 0) return true;
  if (errno == EEXIST) return false;
  fail_on_file("create folder", folder, errno);
}

}  // namespace coterie
