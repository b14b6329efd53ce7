#include "data/png_reader.h"

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace coterie::testing {
namespace {

void demand(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes.at(i));
  return value;
}

/// Bit by bit, as the annex of the standard defines it; the writer has a table.
std::uint32_t slow_crc(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// RFC 1951.
class Inflater {
 public:
  explicit Inflater(std::string_view data) : data_(data) {}

  std::string run() {
    bool last = false;
    while (!last) {
      last = bits(1) == 1;
      const unsigned kind = bits(2);
      demand(kind < 3, "unknown kind of block");
      if (kind == 0) stored();
      if (kind == 1) fixed();
      if (kind == 2) dynamic();
    }
    return out_;
  }
  std::size_t position() const { return at_; }

 private:
  struct Code {
    std::array<int, 16> counts{};
    std::vector<int> symbols;
  };

  static Code code_of(const std::vector<int>& lengths) {
    Code code;
    for (int length = 1; length < 16; ++length)
      for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol)
        if (lengths[symbol] == length) {
          ++code.counts[length];
          code.symbols.push_back(static_cast<int>(symbol));
        }
    return code;
  }

  unsigned bits(int count) {
    unsigned value = 0;
    for (int i = 0; i < count; ++i) {
      if (left_ == 0) {
        demand(at_ < data_.size(), "the stream is too short");
        byte_ = static_cast<std::uint8_t>(data_[at_++]);
        left_ = 8;
      }
      value |= (byte_ & 1u) << i;
      byte_ >>= 1;
      --left_;
    }
    return value;
  }

  int symbol(const Code& code) {
    int value = 0;
    int first = 0;
    int index = 0;
    for (int length = 1; length < 16; ++length) {
      value |= static_cast<int>(bits(1));
      const int count = code.counts[length];
      if (value - first < count) return code.symbols[index + value - first];
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    throw std::runtime_error("no such code");
  }

  void stored() {
    left_ = 0;
    const unsigned length = bits(16);
    demand(bits(16) == (~length & 0xffff), "a stored block's lengths differ");
    demand(at_ + length <= data_.size(), "a stored block is too short");
    out_ += data_.substr(at_, length);
    at_ += length;
  }

  void fixed() {
    std::vector<int> lengths(288, 8);
    for (int i = 144; i < 256; ++i) lengths[i] = 9;
    for (int i = 256; i < 280; ++i) lengths[i] = 7;
    codes(code_of(lengths), code_of(std::vector<int>(30, 5)));
  }

  void dynamic() {
    constexpr int kOrder[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const unsigned literals = bits(5) + 257;
    const unsigned distances = bits(5) + 1;
    const unsigned described = bits(4) + 4;
    std::vector<int> lengths(19);
    for (unsigned i = 0; i < described; ++i) lengths[kOrder[i]] = static_cast<int>(bits(3));
    const Code lengths_code = code_of(lengths);
    lengths.clear();
    while (lengths.size() < literals + distances) {
      const int found = symbol(lengths_code);
      if (found < 16) lengths.push_back(found);
      if (found == 16) lengths.insert(lengths.end(), 3 + bits(2), lengths.at(lengths.size() - 1));
      if (found == 17) lengths.insert(lengths.end(), 3 + bits(3), 0);
      if (found == 18) lengths.insert(lengths.end(), 11 + bits(7), 0);
    }
    demand(lengths.size() == literals + distances, "too many code lengths");
    codes(code_of({lengths.begin(), lengths.begin() + literals}),
          code_of({lengths.begin() + literals, lengths.end()}));
  }

  void codes(const Code& literals, const Code& distances) {
    constexpr int kLength[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                               31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    constexpr int kLengthBits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                   2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    for (int found = symbol(literals); found != 256; found = symbol(literals)) {
      if (found < 256) {
        out_ += static_cast<char>(found);
        continue;
      }
      demand(found < 286, "no such length");
      const int length = kLength[found - 257] + static_cast<int>(bits(kLengthBits[found - 257]));
      const int code = symbol(distances);
      const int extra = code < 2 ? 0 : code / 2 - 1;
      const int base = code < 2 ? code + 1 : ((2 + code % 2) << extra) + 1;
      const std::size_t distance = base + bits(extra);
      demand(distance <= out_.size(), "a copy from before the start");
      for (int i = 0; i < length; ++i) out_ += out_[out_.size() - distance];
    }
  }

  std::string_view data_;
  std::size_t at_ = 0;
  unsigned byte_ = 0;
  int left_ = 0;
  std::string out_;
};

std::string unpacked(std::string_view stream) {
  demand(stream.size() > 6 && (stream[0] & 15) == 8, "not a zlib stream");
  demand(
      (static_cast<std::uint8_t>(stream[0]) * 256 + static_cast<std::uint8_t>(stream[1])) % 31 == 0,
      "the zlib header's check fails");
  Inflater inflater(stream.substr(2));
  const std::string out = inflater.run();
  demand(2 + inflater.position() + 4 == stream.size(), "bytes after the stream");
  std::uint64_t a = 1;
  std::uint64_t b = 0;
  for (const char byte : out) b += a += static_cast<std::uint8_t>(byte);
  demand(big_endian(stream.substr(stream.size() - 4)) == (b % 65521 << 16 | a % 65521),
         "Adler-32 differs");
  return out;
}

int guess_of(int filter, int left, int up, int corner) {
  const int p = left + up - corner;
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) / 2;
    case 4:
      if (std::abs(p - left) <= std::abs(p - up) && std::abs(p - left) <= std::abs(p - corner))
        return left;
      return std::abs(p - up) <= std::abs(p - corner) ? up : corner;
    default:
      throw std::runtime_error("unknown filter");
  }
}

}  // namespace

PngImage read_png(std::string_view bytes) {
  demand(bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n", "not a PNG");
  PngImage image;
  std::string stream;
  bool ended = false;
  for (std::size_t at = 8; at < bytes.size();) {
    demand(!ended, "a chunk after the end");
    const std::uint32_t length = big_endian(bytes.substr(at));
    const std::string_view type = bytes.substr(at + 4, 4);
    const std::string_view data = bytes.substr(at + 8, length);
    demand(slow_crc(bytes.substr(at + 4, length + 4)) == big_endian(bytes.substr(at + 8 + length)),
           "CRC differs");
    if (type == "IHDR") {
      image.width = big_endian(data);
      image.height = big_endian(data.substr(4));
      demand(data[8] == 8 && (data[9] == 0 || data[9] == 2), "another depth or colour type");
      demand(data.substr(10) == std::string_view("\0\0\0", 3), "another coding");
      image.channels = data[9] == 2 ? 3 : 1;
    }
    if (type == "IDAT") stream += data;
    ended = type == "IEND";
    at += 12 + length;
  }
  demand(ended, "no end");
  const std::string raw = unpacked(stream);
  const std::int64_t step = image.channels;
  const std::int64_t stride = image.width * step;
  demand(static_cast<std::int64_t>(raw.size()) == image.height * (stride + 1), "another size");
  image.pixels.resize(image.height * stride);
  for (std::int64_t y = 0; y < image.height; ++y)
    for (std::int64_t x = 0; x < stride; ++x) {
      std::uint8_t* pixel = image.pixels.data() + y * stride + x;
      const int left = x >= step ? *(pixel - step) : 0;
      const int up = y > 0 ? *(pixel - stride) : 0;
      const int corner = x >= step && y > 0 ? *(pixel - stride - step) : 0;
      *pixel = static_cast<std::uint8_t>(raw[y * (stride + 1) + 1 + x] +
                                         guess_of(raw[y * (stride + 1)], left, up, corner));
    }
  return image;
}

std::string from_base64(std::string_view text) {
  std::string out;
  unsigned group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    demand(value >= 0, "not base64");
    group = group << 6 | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 0xff);
    }
  }
  return out;
}

}  // namespace coterie::testing
