#pragma once

#include <cstdint>
#include <span>

#include "coterie/data/images/image_source.h"
#include "coterie/data/png.h"

namespace coterie::images {

struct ImageHeader {
  int width = 0;  ///< as stored, before EXIF rotation
  int height = 0;
  bool grey = false;
  bool whole = false;  ///< the decoder holds all pixels at once: progressive, interlaced, GIF, ...
};

/// The header of an image, read without decoding any pixel.
/// Throws BadImage where it has more than `max_pixels` pixels or pixels of a kind that has no
/// colours, VipsFailure where the file is damaged.
ImageHeader read_header(const ImageSource& source, std::uint64_t max_pixels);

/// How an image is to come out.
struct Target {
  int side = 0;
  int channels = 0;  ///< 1 or 3
  std::uint64_t max_pixels = 0;
};

/// Decodes an image into `out` (channels x side x side): turned upright, in sRGB, over white, short
/// side resized to `side` (Lanczos), centre cut out. Every row of the file is decoded, so that
/// damage is seen wherever it is. Throws as read_header does.
void decode_image(const ImageSource& source, const ImageHeader& header, const Target& target,
                  std::span<std::uint8_t> out);

/// The whole image, its longer side scaled down to `longest` where it is longer, otherwise as
/// decode_image makes it. Throws as read_header does.
PngImage decode_whole(const ImageSource& source, const ImageHeader& header, int longest,
                      std::uint64_t max_pixels);

}  // namespace coterie::images
