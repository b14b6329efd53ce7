#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "coterie/data/png.h"

namespace coterie {

/// The image of a file as a person wants to see it: all of it, upright, in sRGB or grey, over
/// white, its longer side scaled down to `longest` where it is longer. Nothing where the file is
/// none that `decode_image_files` takes, has vanished, or this build reads no image files.
std::optional<PngImage> read_whole_image(const std::filesystem::path& file, std::int64_t longest);

}  // namespace coterie
