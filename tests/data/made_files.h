#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "coterie/data/load.h"
#include "idx_bytes.h"
#include "testing.h"

// Files made byte by byte, so that what the readers are held against does not come from our code.
namespace coterie::testing {

inline void save(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The bytes 0, 1, 2, ... (modulo 251, so that rows of a power of two differ).
inline std::string counting(std::size_t count, int start = 0) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>((i + start) % 251);
  return bytes;
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  std::string bytes;
  for (const T value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
  return bytes;
}

inline std::string npy_with_header(std::string header, const std::string& data, int version = 1) {
  const std::size_t start = version == 1 ? 10 : 12;
  while ((start + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += {static_cast<char>(version), 0};
  const auto length = static_cast<std::uint32_t>(header.size());
  bytes += {static_cast<char>(length), static_cast<char>(length >> 8)};
  if (version > 1) bytes += {static_cast<char>(length >> 16), static_cast<char>(length >> 24)};
  return bytes + header + data;
}

/// `shape` as Python writes it, such as "(3, 2)".
inline std::string npy(const std::string& type, const std::string& shape, const std::string& data,
                       bool fortran = false, int version = 1) {
  return npy_with_header("{'descr': '" + type + "', 'fortran_order': " +
                             (fortran ? "True" : "False") + ", 'shape': " + shape + ", }",
                         data, version);
}

/// A gzip member with the content in stored blocks.
inline std::string gzip(const std::string& content) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : content) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  std::string bytes("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  for (std::size_t at = 0; at == 0 || at < content.size(); at += 65535) {
    const std::string piece = content.substr(at, 65535);
    const auto length = static_cast<std::uint16_t>(piece.size());
    bytes += static_cast<char>(at + 65535 >= content.size());
    bytes += raw<std::uint16_t>({length, static_cast<std::uint16_t>(~length)}) + piece;
  }
  return bytes + raw<std::uint32_t>({~crc, static_cast<std::uint32_t>(content.size())});
}

/// Loads with a cache of its own.
class Loading : public ::testing::Test {
 protected:
  Dataset load(const std::filesystem::path& input) {
    options_.cache = folder_ / "cache";
    return load_dataset(input, options_, progress_, cancel_);
  }
  std::string error_of(const std::filesystem::path& input) {
    return user_error_of([&] { load(input); });
  }
  std::filesystem::path made(const std::string& name, const std::string& bytes) {
    save(folder_ / name, bytes);
    return folder_ / name;
  }
  std::vector<std::uint8_t> image(const Dataset& dataset, std::int64_t i) {
    const auto pixels = dataset.training_data().image(i);
    return {pixels.begin(), pixels.end()};
  }
  std::size_t packs() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "cache"))
      count += entry.is_regular_file();
    return count;
  }

  struct Recorder : Progress {
    void begin(std::string_view phase, std::int64_t) override { phases.emplace_back(phase); }
    void warn(std::string_view message) override { warnings.emplace_back(message); }
    std::vector<std::string> phases, warnings;
  };

  TemporaryFolder folder_;
  LoadOptions options_;
  Recorder progress_;
  CancelToken cancel_;
};

/// Whether this build reads gzip.
inline bool reads_gzip() {
  TemporaryFolder folder;
  save(folder / "x-ubyte.gz", gzip(idx({1, 1, 1}, "a")));
  LoadOptions options;
  options.cache = folder.path();
  Progress progress;
  CancelToken cancel;
  try {
    load_dataset(folder / "x-ubyte.gz", options, progress, cancel);
    return true;
  } catch (const UserError& error) {
    return std::string(error.what()).find("without zlib") == std::string::npos;
  }
}

/// Whether this build reads image files.
inline bool reads_image_files() {
  TemporaryFolder folder;
  save(folder / "photos/x.png", "no image");
  LoadOptions options;
  options.cache = folder / "cache";
  Progress progress;
  CancelToken cancel;
  const std::string error =
      user_error_of([&] { load_dataset(folder / "photos", options, progress, cancel); });
  return error.find("this build does not read") == std::string::npos;
}

using Bytes = std::vector<std::uint8_t>;
using Labels = std::vector<std::int32_t>;
using Names = std::vector<std::string>;

}  // namespace coterie::testing
