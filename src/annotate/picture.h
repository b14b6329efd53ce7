#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "coterie/data/dataset.h"

namespace coterie {

/// An image of a data set as a PNG file, at most 128 pixels on its longer side.
std::string small_picture(const Dataset& dataset, std::int64_t image);

/// The same to look at closely: where the images are files in `files` (folder_of_row_files), the
/// whole image of one that is still there, and not the square that training sees; at most 1,024
/// pixels on its longer side. Of images up to 64 pixels each pixel becomes a square of n x n, with
/// the least n that gives the longer side 256 pixels or more.
std::string large_picture(const Dataset& dataset, std::int64_t image,
                          const std::optional<std::filesystem::path>& files = {});

}  // namespace coterie
