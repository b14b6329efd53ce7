#pragma once

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coterie/data/image_files.h"
#include "coterie/data/images/vips_support.h"
#include "coterie/data/pack.h"
#include "testing.h"

namespace coterie::testing {

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A PNG made byte by byte: deflate's stored blocks, so that no other library has a say in it.
class HandmadePng {
 public:
  HandmadePng(std::uint32_t width, std::uint32_t height, int bits, int colour_type,
              bool interlaced = false) {
    std::string header = big(width) + big(height);
    header += static_cast<char>(bits);
    header += static_cast<char>(colour_type);
    header += std::string(2, '\0');
    header += static_cast<char>(interlaced);
    chunk("IHDR", header);
  }
  HandmadePng& chunk(const std::string& type, const std::string& data) {
    bytes_ += big(static_cast<std::uint32_t>(data.size())) + type + data + big(crc(type + data));
    return *this;
  }
  /// The image data: each row with its leading filter byte 0.
  HandmadePng& rows(const std::vector<std::string>& rows) {
    std::string raw;
    for (const auto& row : rows) {
      raw += '\0';
      raw += row;
    }
    std::string stream = "\x78\x01\x01";
    const auto size = static_cast<std::uint16_t>(raw.size());
    for (const int value : {size & 255, size >> 8, ~size & 255, (~size >> 8) & 255})
      stream += static_cast<char>(value);
    std::uint32_t a = 1, b = 0;
    for (const unsigned char c : raw) {
      a = (a + c) % 65521;
      b = (b + a) % 65521;
    }
    return chunk("IDAT", stream + raw + big(b << 16 | a));
  }
  std::string finish() { return chunk("IEND", "").bytes_; }

  static std::string big(std::uint32_t value) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 255);
    return out;
  }

 private:
  static std::uint32_t crc(std::string_view bytes) {
    std::uint32_t value = ~0u;
    for (const unsigned char c : bytes) {
      value ^= c;
      for (int k = 0; k < 8; ++k) value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
    }
    return ~value;
  }
  std::string bytes_ = "\x89PNG\r\n\x1a\n";
};

/// A grey 8-bit PNG of one value.
inline std::string plain_png(int side, int value) {
  const std::string row(static_cast<std::size_t>(side), static_cast<char>(value));
  return HandmadePng(side, side, 8, 0).rows(std::vector<std::string>(side, row)).finish();
}

/// A GIF of several frames, each of one palette colour: codes of eight bits, with the code table
/// cleared before it would grow.
inline std::string animated_gif(int side, const std::vector<int>& colours) {
  const auto little = [](int value) {
    return std::string{static_cast<char>(value & 255), static_cast<char>(value >> 8)};
  };
  std::string out = "GIF89a" + little(side) + little(side) + '\xf6' + std::string(2, '\0');
  for (int i = 0; i < 128; ++i) out += std::string{char(i), char(2 * i), char(127 - i)};
  for (const int colour : colours) {
    out += std::string("\x21\xf9\x04\x00\x05\x00\x00\x00", 8);
    out +=
        ',' + little(0) + little(0) + little(side) + little(side) + std::string(1, '\0') + '\x07';
    std::string codes;
    for (int i = 0; i < side * side; ++i) {
      if (i % 100 == 0) codes += '\x80';
      codes += static_cast<char>(colour);
    }
    codes += '\x81';
    for (std::size_t at = 0; at < codes.size(); at += 200) {
      const std::string block = codes.substr(at, 200);
      out += static_cast<char>(block.size()) + block;
    }
    out += '\0';
  }
  return out + ';';
}

/// An image in libvips' hands, to be written by its encoders.
template <class T>
images::VipsImagePtr vips_image(const std::vector<T>& values, int width, int height, int bands) {
  images::start_vips();
  const VipsBandFormat format = sizeof(T) == 1 ? VIPS_FORMAT_UCHAR : VIPS_FORMAT_USHORT;
  VipsImage* image = vips_image_new_from_memory_copy(values.data(), values.size() * sizeof(T),
                                                     width, height, bands, format);
  image->Type = sizeof(T) == 1
                    ? (bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB)
                    : (bands < 3 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16);
  return images::VipsImagePtr(image);
}

/// A picture with something in every frequency, so that its files are not trivially small.
inline images::VipsImagePtr busy_image(int side, int bands = 3) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(side) * side * bands);
  std::uint32_t state = 12345;
  for (auto& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return vips_image(values, side, side, bands);
}

/// A folder's images as they come out of the pack.
struct Decoded {
  Dataset data;
  std::map<std::string, std::string> bad;

  std::vector<int> pixels(std::int64_t row) const {
    const auto image = data.training_data().image(row);
    return {image.begin(), image.end()};
  }
  int at(std::int64_t row, int c, int y, int x) const {
    return data.training_data().image(row)[(c * data.shape.height + y) * data.shape.width + x];
  }
};

inline Decoded decode(const ImageFiles& files, const LoadOptions& options,
                      const std::filesystem::path& pack) {
  Progress progress;
  const CancelToken cancel;
  decode_image_files(files, options, "the source", pack, progress, cancel);
  Decoded out{open_pack(pack), {}};
  for (const auto& bad : out.data.bad_files)
    EXPECT_TRUE(out.bad.emplace(bad.path, bad.cause).second) << bad.path << " is listed twice";
  return out;
}

/// A folder to put image files into and decode.
class ImageFolder {
 public:
  ImageFolder() { std::filesystem::create_directory(folder()); }
  std::filesystem::path folder() const { return root_ / "images"; }
  std::filesystem::path pack() const { return root_ / "images.pack"; }
  std::filesystem::path operator/(const std::string& name) const { return folder() / name; }
  ImageFolder& add(const std::string& name, std::string_view bytes) {
    write_bytes(folder() / name, bytes);
    return *this;
  }
  ImageFiles files() const { return find_image_files(folder(), CancelToken()); }
  Decoded decoded(const LoadOptions& options = {}) const {
    return decode(files(), options, pack());
  }

 private:
  TemporaryFolder root_;
};

}  // namespace coterie::testing
