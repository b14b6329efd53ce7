#pragma once

#include <filesystem>
#include <string>

#include "coterie/data/dataset.h"

namespace coterie {

/// A pack file: "COTPACK1", a JSON header (shape, counts, sections, source fingerprint), the pixels
/// as uint8 N x C x H x W on a page boundary, then paths, ground truth, class names and bad files.
/// Complete or absent: it is written under a temporary name and renamed.
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

/// Maps a pack. Throws UserError where the file is torn or no pack.
Dataset open_pack(const std::filesystem::path& path);

/// The source fingerprint that a pack was made from, empty where the file is absent or unusable.
std::string pack_source_fingerprint(const std::filesystem::path& path);

}  // namespace coterie
