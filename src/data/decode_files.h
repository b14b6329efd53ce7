#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/load.h"

namespace coterie {

/// Some image files in memory, in one shape.
struct DecodedImages {
  std::vector<std::uint8_t> pixels;  ///< [M, C, H, W]: the images that could be used, in file order
  std::vector<std::size_t> files;    ///< [M]: which file each of them is
  std::vector<std::string> causes;   ///< of each file: why it could not be used; empty if it could
};

/// Decodes image files, as those of a folder are when they are packed, to images of `shape`, which
/// is a square. `limits` are those on the size of files and images. Throws UserError where this
/// build reads no image files; a file that cannot be used has a cause.
DecodedImages decode_to_memory(const std::vector<std::filesystem::path>& files, ImageShape shape,
                               const LoadOptions& limits, const CancelToken& cancel);

}  // namespace coterie
