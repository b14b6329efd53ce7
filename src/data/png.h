#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coterie {

/// An 8-bit image as PNG stores it: height x width x channels, channels 1 (grey) or 3 (RGB).
struct PngImage {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t channels = 1;
  std::vector<std::uint8_t> pixels;
};

/// Compressed with zlib where the program was built with it, to the smallest or nearly so in a tenth
/// of the time, or in stored blocks in any case.
enum class PngCode { smallest, quick, stored };

/// The bytes of a PNG file (RFC 2083). The image holds at least one pixel.
std::string encode_png(const PngImage& image, PngCode code = PngCode::smallest);

/// CRC-32 as PNG's chunks carry it (RFC 2083, section 15), continued from `crc`.
std::uint32_t png_crc(std::string_view bytes, std::uint32_t crc = 0);
/// Adler-32 (RFC 1950, section 9).
std::uint32_t adler32_of(std::string_view bytes);

}  // namespace coterie
