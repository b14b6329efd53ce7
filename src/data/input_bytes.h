#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "coterie/core/files.h"

namespace coterie {

/// Reads a file from its begin to its end, through gzip where it is compressed.
class InputBytes {
 public:
  /// Throws UserError where the file cannot be opened, or is compressed and this build has no zlib.
  explicit InputBytes(const std::filesystem::path& path);
  ~InputBytes();
  InputBytes(const InputBytes&) = delete;
  InputBytes& operator=(const InputBytes&) = delete;

  /// Reads up to `count` bytes; fewer at the end of the data only. Throws UserError where the
  /// compressed data are cut off, damaged (checksum), or followed by other bytes.
  std::size_t read(void* to, std::size_t count);

  /// Bytes of the file when it is not compressed, -1 otherwise.
  std::int64_t known_size() const {
    return inflater_ ? -1 : static_cast<std::int64_t>(file_.size());
  }
  const std::string& name() const { return name_; }

 private:
  struct Inflater;
  std::string name_;
  MappedFile file_;
  std::size_t at_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace coterie
