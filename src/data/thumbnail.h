#pragma once

#include <cstdint>
#include <string>

#include "coterie/data/dataset.h"
#include "coterie/data/png.h"

namespace coterie {

/// Pixels of a picture on the page.
struct ThumbnailSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// How large each of `count` pictures may be so that all of them, uncompressed and in base64, stay
/// within `budget` bytes: the images' own size, at most 96 pixels on the longer side, smaller where
/// there are many.
ThumbnailSize thumbnail_size(const ImageShape& shape, std::int64_t count, std::int64_t budget);

/// An image of C x H x W (C is 1 or 3) at the size given, which is no larger than its own: each
/// pixel is the mean of what it covers. At its own size the pixels are the image's.
PngImage thumbnail(std::span<const std::uint8_t> image, const ImageShape& shape,
                   ThumbnailSize size);

}  // namespace coterie
