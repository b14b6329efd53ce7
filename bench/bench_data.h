#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/random.h"

namespace coterie::bench {

/// Gaussian blobs of unit deviation round `clusters` random centres in [rows, cols]; every
/// twentieth row is noise that spreads over all of them.
class BlobSource {
 public:
  BlobSource(std::int64_t cols, std::int64_t clusters)
      : random_(0, "blobs"), centres_(clusters, cols) {
    for (std::int64_t i = 0; i < centres_.size(); ++i)
      centres_.data()[i] = static_cast<float>(random_.normal());
  }
  void next(float* row) {
    const auto blob = static_cast<std::int64_t>(random_.below(centres_.rows()));
    const bool noise = random_.below(20) == 0;
    for (std::int64_t d = 0; d < centres_.cols(); ++d)
      row[d] =
          static_cast<float>(noise ? 2 * random_.normal() : centres_(blob, d) + random_.normal());
  }

 private:
  RandomStream random_;
  Matrix<float> centres_;
};

inline Matrix<float> blobs(std::int64_t rows, std::int64_t cols, std::int64_t clusters) {
  BlobSource source(cols, clusters);
  Matrix<float> points(rows, cols);
  for (std::int64_t i = 0; i < rows; ++i) source.next(points.row(i));
  return points;
}

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The median of the seconds that `work` takes in `runs` runs.
template <class Work>
double median_seconds(int runs, Work&& work) {
  std::vector<double> seconds;
  for (int i = 0; i < runs; ++i) {
    const double start = now();
    work();
    seconds.push_back(now() - start);
  }
  return median(std::move(seconds));
}

/// The header of a float32 .npy file.
inline std::string npy_header(std::int64_t rows, std::int64_t cols) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) +
                     ", " + std::to_string(cols) + "), }";
  text.resize(117, ' ');
  text += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + std::string({static_cast<char>(118), '\0'}) + text;
}

inline void write_npy(const std::filesystem::path& path, ConstFeatures rows) {
  std::ofstream file(path, std::ios::binary);
  file << npy_header(rows.rows, rows.cols);
  file.write(reinterpret_cast<const char*>(rows.data), rows.size() * 4);
}

/// A folder of its own that goes away with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "coterie-bench-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot create " + name);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The first python3 that can import `module`; nothing where none can.
inline std::optional<std::string> python_with(const std::string& module) {
  for (const std::string python : {"python3", "/usr/bin/python3"})
    if (std::system((python + " -c 'import " + module + "' 2> /dev/null").c_str()) == 0)
      return python;
  return std::nullopt;
}

/// What a command writes to stdout.
inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + command);
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof(buffer), pipe))
    text.append(buffer, got);
  if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return text;
}

}  // namespace coterie::bench
