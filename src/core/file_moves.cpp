#include "coterie/core/file_moves.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "coterie/core/error.h"
#include "coterie/core/file_errors.h"
#include "coterie/core/files.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::size_t kPiece = 1 << 20;  // bytes, the most that is read at a time

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

/// Opens a regular file for reading, without waiting where it is a FIFO.
int open_to_read(const fs::path& path, struct stat& info) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return -1;
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) return descriptor;
  ::close(descriptor);
  errno = EINVAL;
  return -1;
}

/// How much of a file to hold at a time.
std::size_t piece_for(const struct stat& info) {
  return std::clamp<std::size_t>(static_cast<std::size_t>(info.st_size), 1, kPiece);
}

/// Reads up to `count` bytes; fewer only at the end. -1 on failure.
ssize_t read_up_to(int descriptor, char* to, std::size_t count) {
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got = ::read(descriptor, to + have, count - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(have);
}

/// 0, or the error number.
int write_whole(int descriptor, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t written = ::write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
  return 0;
}

/// Renames where `to` is free. 0, or the error number.
int rename_to_free(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // File systems without that flag: a second link fails, too, where the name is taken.
  if (::link(from.c_str(), to.c_str()) == 0) return ::unlink(from.c_str()) == 0 ? 0 : errno;
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return errno;
  struct stat info {};
  if (::lstat(to.c_str(), &info) == 0) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

/// A file in the making; it goes away unless it gets its name.
class PartialFile {
 public:
  explicit PartialFile(const fs::path& to)
      : to_(to), partial_(fs::path(to).replace_filename(kPartialFile)) {
    ::unlink(partial_.c_str());  // Left by a crash.
    descriptor_ =
        ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) fail_on_file("create", to_, errno);
  }
  ~PartialFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!named_) ::unlink(partial_.c_str());
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  void write(const char* bytes, std::size_t count) {
    if (const int error = write_whole(descriptor_, bytes, count)) fail_on_file("write", to_, error);
  }
  /// Permissions and times of `info`.
  void take_after(const struct stat& info) {
    const timespec times[2] = {info.st_atim, info.st_mtim};
    // Some file systems have no permissions to set; the bytes are what counts.
    if (::fchmod(descriptor_, info.st_mode & 07777) != 0 && errno != EPERM)
      fail_on_file("write", to_, errno);
    if (::futimens(descriptor_, times) != 0) fail_on_file("write", to_, errno);
  }
  void flush() {
    if (::fsync(descriptor_) != 0) fail_on_file("flush", to_, errno);
  }
  void name() {
    if (::close(std::exchange(descriptor_, -1)) != 0) fail_on_file("write", to_, errno);
    if (const int error = rename_to_free(partial_, to_)) fail_on_file("create", to_, error);
    named_ = true;
  }

 private:
  fs::path to_, partial_;
  int descriptor_ = -1;
  bool named_ = false;
};

void copy_into_place(const fs::path& from, const fs::path& to, bool flush) {
  struct stat info {};
  const Descriptor source(open_to_read(from, info));
  if (source.get() < 0) fail_on_file("read", from, errno);
  PartialFile out(to);
  std::vector<char> piece(piece_for(info));
  for (;;) {
    const ssize_t got = read_up_to(source.get(), piece.data(), piece.size());
    if (got < 0) fail_on_file("read", from, errno);
    if (got == 0) break;
    out.write(piece.data(), static_cast<std::size_t>(got));
  }
  out.take_after(info);
  if (flush) out.flush();
  out.name();
}

}  // namespace

void place_link(const std::string& text, const fs::path& to) {
  if (::symlink(text.c_str(), to.c_str()) != 0) fail_on_file("create the link", to, errno);
}

void place_bytes(std::string_view bytes, const fs::path& to) {
  PartialFile out(to);
  out.write(bytes.data(), bytes.size());
  out.name();
}

void place_copy(const fs::path& from, const fs::path& to) { copy_into_place(from, to, false); }

void place_moved(const fs::path& from, const fs::path& to) {
  const int error = rename_to_free(from, to);
  if (error == 0) return;
  if (error == EEXIST) fail_on_file("create", to, error);
  if (error != EXDEV) fail_on_file("move", from, error);
  copy_into_place(from, to, true);
  flush_folder(to.parent_path());
  if (::unlink(from.c_str()) != 0) fail_on_file("remove", from, errno);
}

void flush_file_system(const fs::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0 || ::syncfs(descriptor.get()) != 0) fail_on_file("flush", folder, errno);
}

bool same_content(const fs::path& a, const fs::path& b) {
  struct stat info_a {
  }, info_b{};
  const Descriptor first(open_to_read(a, info_a)), second(open_to_read(b, info_b));
  if (first.get() < 0 || second.get() < 0 || info_a.st_size != info_b.st_size) return false;
  std::vector<char> piece_a(piece_for(info_a)), piece_b(piece_a.size());
  for (;;) {
    const ssize_t got = read_up_to(first.get(), piece_a.data(), piece_a.size());
    if (got < 0 || read_up_to(second.get(), piece_b.data(), piece_b.size()) != got) return false;
    if (got == 0) return true;
    if (!std::equal(piece_a.begin(), piece_a.begin() + got, piece_b.begin())) return false;
  }
}

}  // namespace coterie
