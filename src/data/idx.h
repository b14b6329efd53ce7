#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "coterie/data/image_array.h"

namespace coterie {

/// The images of an IDX file (the format of MNIST), gzip-compressed or not: uint8, N x H x W or
/// N x H x W x C with C = 1 or 3. Throws UserError where the magic number, the type or the shape is
/// another, and, now or when the images are written, where the file is shorter or longer than its
/// header says.
ImageArray open_idx_images(const std::filesystem::path& path);

/// The labels of an IDX file: uint8, one dimension. Throws UserError like open_idx_images.
std::vector<std::int64_t> read_idx_labels(const std::filesystem::path& path);

}  // namespace coterie
