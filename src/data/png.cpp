#include "coterie/data/png.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#ifdef COTERIE_ZLIB
#include <zlib.h>

#include <stdexcept>
#endif

namespace coterie {
namespace {

constexpr std::size_t kLargestBlock = 65535;  // of a stored block, RFC 1951, section 3.2.4

void append_big_endian(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
  append_big_endian(out, static_cast<std::uint32_t>(data.size()));
  out += type;
  out += data;
  append_big_endian(out, png_crc(data, png_crc(type)));
}

std::string stored_stream(std::string_view data) {
  std::string out = "\x78\x01";
  for (std::size_t begin = 0; begin < data.size(); begin += kLargestBlock) {
    const std::string_view block = data.substr(begin, kLargestBlock);
    const auto length = static_cast<std::uint16_t>(block.size());
    out += static_cast<char>(begin + block.size() == data.size());
    for (const int part : {length & 0xff, length >> 8, ~length & 0xff, ~length >> 8 & 0xff})
      out += static_cast<char>(part);
    out += block;
  }
  append_big_endian(out, adler32_of(data));
  return out;
}

std::string unfiltered(const PngImage& image) {
  const std::int64_t stride = image.width * image.channels;
  std::string out;
  out.reserve(static_cast<std::size_t>(image.height * (stride + 1)));
  for (std::int64_t y = 0; y < image.height; ++y) {
    out += '\0';
    out.append(reinterpret_cast<const char*>(image.pixels.data() + y * stride), stride);
  }
  return out;
}

#ifdef COTERIE_ZLIB
enum Filter { kNone, kSub, kUp, kAverage, kPaeth, kFilters };

std::uint8_t paeth(int left, int up, int corner) {
  const int guess = left + up - corner;
  const int from_left = std::abs(guess - left);
  const int from_up = std::abs(guess - up);
  const int from_corner = std::abs(guess - corner);
  if (from_left <= from_up && from_left <= from_corner) return static_cast<std::uint8_t>(left);
  return static_cast<std::uint8_t>(from_up <= from_corner ? up : corner);
}

/// The row's differences from what `guess(left, above, corner)` expects, after the filter's number;
/// the sum of their sizes says how well the filter suits.
template <class Guess>
std::int64_t apply_filter(const std::uint8_t* row, const std::uint8_t* above, std::int64_t step,
                          std::string& out, Guess guess) {
  const auto stride = static_cast<std::int64_t>(out.size()) - 1;
  std::int64_t sum = 0;
  for (std::int64_t x = 0; x < stride; ++x) {
    const int left = x >= step ? row[x - step] : 0;
    const int corner = x >= step ? above[x - step] : 0;
    const auto difference = static_cast<std::int8_t>(row[x] - guess(left, above[x], corner));
    out[x + 1] = static_cast<char>(difference);
    sum += std::abs(static_cast<int>(difference));
  }
  return sum;
}

/// Each row under the filter that leaves the smallest values, as RFC 2083, section 9.6 advises.
std::string filtered(const PngImage& image) {
  const std::int64_t step = image.channels;
  const std::int64_t stride = image.width * step;
  const std::vector<std::uint8_t> black(static_cast<std::size_t>(stride));
  std::array<std::string, kFilters> rows;
  for (int filter = 0; filter < kFilters; ++filter)
    rows[filter].assign(static_cast<std::size_t>(stride) + 1, static_cast<char>(filter));
  std::string out;
  for (std::int64_t y = 0; y < image.height; ++y) {
    const std::uint8_t* row = image.pixels.data() + y * stride;
    const std::uint8_t* above = y > 0 ? row - stride : black.data();
    const auto sum_of = [&](Filter filter, auto guess) {
      return apply_filter(row, above, step, rows[filter], guess);
    };
    const std::array<std::int64_t, kFilters> sums = {
        sum_of(kNone, [](int, int, int) { return 0; }),
        sum_of(kSub, [](int left, int, int) { return left; }),
        sum_of(kUp, [](int, int up, int) { return up; }),
        sum_of(kAverage, [](int left, int up, int) { return (left + up) / 2; }),
        sum_of(kPaeth, paeth)};
    out += rows[std::min_element(sums.begin(), sums.end()) - sums.begin()];
  }
  return out;
}

std::string compressed_stream(const std::string& data, PngCode code) {
  uLongf size = compressBound(data.size());
  std::string out(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                reinterpret_cast<const Bytef*>(data.data()), data.size(),
                code == PngCode::quick ? 1 : 7) != Z_OK)
    throw std::runtime_error("zlib cannot compress");
  out.resize(size);
  return out;
}
#endif

std::string image_stream(const PngImage& image, PngCode code) {
  const std::string stored = stored_stream(unfiltered(image));
#ifdef COTERIE_ZLIB
  if (code != PngCode::stored) {
    const std::string plain = compressed_stream(unfiltered(image), code);
    const std::string differences = compressed_stream(filtered(image), code);
    return std::min({stored, plain, differences},
                    [](const auto& a, const auto& b) { return a.size() < b.size(); });
  }
#endif
  (void)code;
  return stored;
}

}  // namespace

std::uint32_t png_crc(std::string_view bytes, std::uint32_t crc) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> values;
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
      values[n] = c;
    }
    return values;
  }();
  crc = ~crc;
  for (const char byte : bytes)
    crc = table[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff] ^ crc >> 8;
  return ~crc;
}

std::uint32_t adler32_of(std::string_view bytes) {
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const char byte : bytes) {
    a = (a + static_cast<std::uint8_t>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

std::string encode_png(const PngImage& image, PngCode code) {
  std::string out = "\x89PNG\r\n\x1a\n";
  std::string header;
  append_big_endian(header, static_cast<std::uint32_t>(image.width));
  append_big_endian(header, static_cast<std::uint32_t>(image.height));
  // 8 bits, grey or RGB, deflate, adaptive filters, not interlaced.
  for (const int field : {8, image.channels == 3 ? 2 : 0, 0, 0, 0})
    header += static_cast<char>(field);
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", image_stream(image, code));
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace coterie
