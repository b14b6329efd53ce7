#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

struct ImageShape {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t pixels() const { return channels * height * width; }
  bool operator==(const ImageShape&) const = default;
};

/// What a method may see of a data set: pixels or features, never the ground truth.
struct TrainingData {
  std::int64_t count = 0;
  /// Set for images: uint8, N x C x H x W, memory mapped.
  const std::uint8_t* pixels = nullptr;
  ImageShape shape;
  /// Set for features: float, N x D.
  ConstFeatures features;

  bool has_images() const { return pixels != nullptr; }
  std::span<const std::uint8_t> image(std::int64_t i) const {
    return {pixels + i * shape.pixels(), static_cast<std::size_t>(shape.pixels())};
  }
};

/// An input that could not be used, and why.
struct BadFile {
  std::string path;   ///< bytes as the file system gave them
  std::string cause;  ///< one line
};

/// A data set in memory or mapped: images or features, a path for each row, ground truth where it
/// was given. Row i keeps its place (its id) through training, run folder, report and export.
class Dataset {
 public:
  std::int64_t size() const { return static_cast<std::int64_t>(paths.size()); }
  bool has_images() const { return pixels != nullptr; }
  bool has_truth() const { return !truth.empty(); }
  TrainingData training_data() const { return {size(), pixels, shape, features}; }

  /// Where each row came from: a path relative to `source` for files, "name#row" for arrays.
  /// Bytes, not necessarily UTF-8.
  std::vector<std::string> paths;
  ImageShape shape;
  const std::uint8_t* pixels = nullptr;
  ConstFeatures features;

  /// Ground truth as 0..C-1, empty where none was given. For scoring only.
  std::vector<std::int32_t> truth;
  std::vector<std::string> class_names;  ///< name of each ground truth class

  std::vector<BadFile> bad_files;
  std::string source;          ///< the input as an absolute path; of a pack, what it was made from
  std::string opened;          ///< where that is not what was opened: the pack
  std::string fingerprint;     ///< sha256 of the pixels or features and their shape
  std::filesystem::path pack;  ///< the pack file that `pixels` maps, empty for features

  /// Keeps the memory behind `pixels` and `features` alive.
  std::shared_ptr<const void> storage;
};

}  // namespace coterie
