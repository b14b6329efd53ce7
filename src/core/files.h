#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace coterie {

/// A file that appears whole or not at all: written under a temporary name in the same folder,
/// flushed to disk, renamed, and the folder flushed (`commit`). Without `commit` the temporary file
/// is removed and whatever stood under the name before stays. Throws UserError naming the path and
/// the system's cause (disk full, read-only, no such folder), also where the name stands for
/// something that is no regular file, such as a folder or a device.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, std::size_t count);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Writes `count` bytes at `offset`; for use from several threads, with no `write` in between.
  void write_at(const void* bytes, std::size_t count, std::uint64_t offset);
  /// Reads back `count` bytes that were written at `offset`.
  void read_at(void* bytes, std::size_t count, std::uint64_t offset) const;
  /// Cuts off, or fills with zeros, at `size` bytes.
  void resize(std::uint64_t size);
  void commit();
  const std::filesystem::path& path() const { return path_; }

 private:
  void flush_buffer();
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::string buffer_;
};

/// Removes what an AtomicFile of a process that was killed has left in `folder`; those that are
/// being written are locked, and stay.
void remove_abandoned_files(const std::filesystem::path& folder);

/// Writes `text` to `path` through AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view text);

/// The whole file as bytes. Throws UserError where it cannot be read, is no regular file or is
/// larger than `limit` bytes.
std::string read_file(const std::filesystem::path& path, std::uint64_t limit = 1ULL << 32);

/// A file mapped read-only into memory. Throws UserError where it cannot be opened or is no regular
/// file (a FIFO is refused without waiting for it).
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::size_t size() const { return size_; }
  /// Lets go of the memory that the first `count` bytes take; they are read from the file again
  /// when they are wanted. For one pass over a file larger than memory.
  void forget(std::size_t count) const;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A lock that one holder has at a time, within a process and among all that run. The system lets
/// go of it however the process ends. Where the file system knows no locks, nothing is locked.
class FileLock {
 public:
  /// Locks a folder, or a file, which is created where it is absent. Throws UserError with the text
  /// `held` where another has it.
  FileLock(const std::filesystem::path& path, const std::string& held);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;

 private:
  int descriptor_ = -1;
};

/// Flushes to disk what was written to a file. Throws UserError where that fails.
void flush_file(const std::filesystem::path& path);

/// Flushes a folder's own entries to disk, so that a rename in it survives a power cut.
void flush_folder(const std::filesystem::path& folder);

/// Whether something is there, as far as can be seen: false also where its folder may not be read.
bool path_exists(const std::filesystem::path& path);

/// Creates a folder and its parents. Throws UserError naming the path and the cause.
void create_folder(const std::filesystem::path& folder);

/// Creates a folder within one that is there; false where something of that name is there already.
/// Of several processes that try, one gets true. Throws UserError as `create_folder`.
bool create_new_folder(const std::filesystem::path& folder);

}  // namespace coterie
