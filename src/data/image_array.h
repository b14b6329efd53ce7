#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/dataset.h"
#include "coterie/data/pack.h"

namespace coterie {

/// Where the images of an array go: a pack under construction. Counts them for the progress and
/// stops when asked to.
class ImageSink {
 public:
  ImageSink(PackWriter& writer, Progress& progress, const CancelToken& cancel)
      : writer_(writer), progress_(progress), cancel_(cancel) {}
  /// Writes `count` images that lie one after the other, each C x H x W. Any thread may call.
  void put(std::int64_t slot, std::int64_t count, std::span<const std::uint8_t> pixels);

 private:
  PackWriter& writer_;
  Progress& progress_;
  const CancelToken& cancel_;
  std::atomic<std::int64_t> done_{0};
};

/// Images of one size from one file.
struct ImageArray {
  std::string name;  ///< row i is named name#i
  ImageShape shape;
  std::int64_t count = 0;
  /// Puts image i into the slot first + i.
  std::function<void(ImageSink& sink, std::int64_t first)> write;
};

/// The images of a data set in the order of its rows, and their labels where they are known.
struct ImageArrays {
  std::vector<ImageArray> parts;
  std::vector<std::int64_t> labels;
  /// Name of label v at place v; empty where the numbers are the names.
  std::vector<std::string> label_names;
};

/// Calls `image(i, out)`, which fills the C x H x W bytes of image i, for all images on all
/// threads, and puts them into the sink.
void put_images(ImageSink& sink, std::int64_t first, const ImageArray& array,
                const std::function<void(std::int64_t, std::uint8_t*)>& image);

/// Colours side by side (H x W x C) to planes (C x H x W).
void interleaved_to_planes(const std::uint8_t* from, ImageShape shape, std::uint8_t* to);

/// Writes the arrays as a pack with `source` and `source_fingerprint`. Throws UserError where
/// the parts differ in shape or there are not as many labels as images.
struct PackOrigin {
  std::filesystem::path pack;
  std::string source;
  std::string source_fingerprint;
};
void pack_image_arrays(const ImageArrays& arrays, const PackOrigin& origin, Progress& progress,
                       const CancelToken& cancel);

}  // namespace coterie
