#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "coterie/core/files.h"
#include "coterie/data/dataset.h"

namespace coterie {

/// A pack file: "COTPACK1", a JSON header (shape, counts, sections, fingerprints), the pixels as
/// uint8 N x C x H x W on a page boundary, then paths, ground truth, class names and bad files as
/// raw bytes. Complete or absent: it is written under a temporary name and renamed.
struct PackContent {
  ImageShape shape;
  const std::uint8_t* pixels = nullptr;
  std::vector<std::string> paths;
  std::vector<std::int32_t> truth;
  std::vector<std::string> class_names;
  std::vector<BadFile> bad_files;
  std::string source;
  std::string source_fingerprint;  ///< of the source's names, sizes and times; decides on reuse
};

/// Writes the pack. Throws UserError where the disk refuses.
void write_pack(const std::filesystem::path& path, const PackContent& content);

/// A part of a data set.
struct DatasetPart {
  std::int64_t classes = 0;  ///< images of the first so many classes; 0: of all
  std::int64_t images = 0;   ///< of these the first so many; 0: all
  bool whole() const { return classes == 0 && images == 0; }
};

/// Writes a pack of a part of the images. Throws UserError where the ground truth has fewer
/// classes, or there is none, or there are fewer images.
void write_pack_of_part(const std::filesystem::path& path, const Dataset& dataset,
                        const DatasetPart& part);

/// Writes a pack whose images come one by one, from several threads and in any order, without
/// holding them in memory. Every image has a slot in [0, capacity), in the order of the rows; slots
/// that stay empty (bad files) are squeezed out at the end. Without `finish` nothing is left on
/// disk.
class PackWriter {
 public:
  /// Throws UserError where the file cannot be made or `capacity` images exceed 2^62 bytes.
  PackWriter(const std::filesystem::path& path, ImageShape shape, std::int64_t capacity);

  /// Writes one image, C x H x W, or several that fill the slots from `slot` on. Several threads
  /// may write different slots at once. Throws UserError where the disk refuses.
  void write_images(std::int64_t slot, std::span<const std::uint8_t> pixels);

  /// Makes the pack appear under its name. Row i of `content` (its `shape` and `pixels` are not
  /// looked at) is the image of `slots[i]`; `slots` is ascending and as long as `content.paths`.
  void finish(const PackContent& content, const std::vector<std::int64_t>& slots);
  /// The same where the slots 0 .. paths.size() - 1 are the rows.
  void finish(const PackContent& content);

 private:
  AtomicFile file_;
  ImageShape shape_;
  std::int64_t capacity_;
};

/// Maps a pack. `source` is the one that the pack was made from, as the paths are relative to it.
/// Throws UserError where the file is torn or no pack.
Dataset open_pack(const std::filesystem::path& path);

/// The source fingerprint that a pack was made from, empty where the file is absent or its header
/// is damaged. Only open_pack looks at the other parts.
std::string pack_source_fingerprint(const std::filesystem::path& path);

}  // namespace coterie
