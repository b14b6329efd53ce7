#include "coterie/data/npy.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/parallel.h"
#include "coterie/core/text.h"
#include "coterie/data/source.h"

namespace coterie {
namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";

/// IEEE 754 binary16, for which the compiler has no type.
struct Half {
  std::uint16_t bits;
  operator float() const {
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    float value = 0;
    if (exponent == 31) {
      value = fraction ? std::numeric_limits<float>::quiet_NaN() : HUGE_VALF;
    } else if (exponent == 0) {
      value = std::ldexp(static_cast<float>(fraction), -24);
    } else {
      value = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
    }
    return bits >> 15 ? -value : value;
  }
};

template <class T>
T load(const std::byte* at, bool swapped) {
  std::byte bytes[sizeof(T)];
  if (swapped) {
    std::reverse_copy(at, at + sizeof(T), bytes);
  } else {
    std::memcpy(bytes, at, sizeof(T));
  }
  return std::bit_cast<T>(bytes);
}

/// Reads the literal of a Python dictionary that is a .npy header.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  bool try_take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void take(char c) {
    if (!try_take(c)) fail();
  }
  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  std::string_view quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail();
    const std::size_t begin = ++at_;
    at_ = text_.find(quote, begin);
    if (at_ == std::string_view::npos) fail();
    return text_.substr(begin, at_++ - begin);
  }
  bool flag() {
    skip_blanks();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    fail();
  }
  std::int64_t integer() {
    skip_blanks();
    std::int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range)
      throw UserError("{}: a size in its header is larger than any memory; the file is damaged",
                      name_);
    if (error != std::errc() || value < 0) fail();
    at_ += static_cast<std::size_t>(end - begin);
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // long integers of Python 2
    return value;
  }
  [[noreturn]] void fail() const {
    throw UserError(
        "{}: its .npy header cannot be read ('{}'); save the array again with numpy.save", name_,
        printable(text_.substr(0, 120)));
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

/// What an element type is called that is no number of ours, empty for numbers.
std::string_view refused_type(char kind) {
  switch (kind) {
    case 'O':
      return "Python objects";
    case 'c':
      return "complex numbers";
    case 'S':
    case 'a':
    case 'U':
      return "texts";
    case 'V':
      return "records";
    case 'M':
    case 'm':
      return "times";
    default:
      return {};
  }
}

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& path)
    : name_(shown(path)),
      base_name_(path.filename().native()),
      file_(std::make_shared<MappedFile>(path)) {
  const std::string_view text(reinterpret_cast<const char*>(file_->bytes().data()), file_->size());
  if (!text.starts_with(kNpyMagic))
    throw UserError(
        "{} is no .npy file: it does not begin with \\x93NUMPY; save it with numpy.save", name_);
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned version = byte(6);
  if (version < 1 || version > 3)
    throw UserError("{} is a .npy file of version {}; versions 1 to 3 are read", name_, version);
  const std::size_t start = version == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | static_cast<std::size_t>(byte(11)) << 24;
  if (text.size() < start || length > text.size() - start)
    throw UserError("{} is cut off in its header; copy or save it again", name_);
  parse_header(text.substr(start, length));
  data_offset_ = start + length;

  const auto expected = static_cast<std::uint64_t>(checked_bytes(shape_, item_bytes_, name_));
  const std::uint64_t found = text.size() - data_offset_;
  if (found < expected)
    throw UserError(
        "{} is cut off: its header promises {} bytes of data ({}), {} are there; copy or "
        "save it again",
        name_, expected, shape_text(), found);
  if (found > expected)
    throw UserError("{} has {} bytes after its data of {} bytes ({}); save the array again", name_,
                    found - expected, expected, shape_text());
}

void NpyFile::parse_header(std::string_view header) {
  HeaderParser parser(header, name_);
  bool has_type = false, has_order = false, has_shape = false;
  parser.take('{');
  while (!parser.try_take('}')) {
    const std::string_view key = parser.quoted();
    parser.take(':');
    if (key == "descr") {
      if (parser.peek() == '[')
        throw UserError("{} holds records (named fields); save the numbers as one plain array",
                        name_);
      parse_type(parser.quoted());
      has_type = true;
    } else if (key == "fortran_order") {
      fortran_ = parser.flag();
      has_order = true;
    } else if (key == "shape") {
      parser.take('(');
      while (!parser.try_take(')')) {
        shape_.push_back(parser.integer());
        if (parser.peek() != ')') parser.take(',');
      }
      has_shape = true;
    } else {
      parser.fail();
    }
    if (parser.peek() != '}') parser.take(',');
  }
  if (!has_type || !has_order || !has_shape) parser.fail();
}

void NpyFile::parse_type(std::string_view type) {
  const auto refuse = [&](std::string_view what) {
    throw UserError(
        "{} holds {} (type '{}'); integers, reals and flags are read: convert it with "
        "x.astype('float32') and save it again",
        name_, what, printable(type));
  };
  std::string_view rest = type;
  if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos)
    rest.remove_prefix(1);
  if (rest.empty()) refuse("an unknown type");
  kind_ = rest[0];
  if (const auto what = refused_type(kind_); !what.empty()) refuse(what);
  const auto bytes = rest.substr(1);
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), item_bytes_);
  if (error != std::errc() || end != bytes.data() + bytes.size()) refuse("an unknown type");
  const auto is_one_of = [&](std::initializer_list<int> sizes) {
    return std::find(sizes.begin(), sizes.end(), item_bytes_) != sizes.end();
  };
  const bool known = kind_ == 'b'   ? is_one_of({1})
                     : kind_ == 'f' ? is_one_of({2, 4, 8})
                                    : (kind_ == 'i' || kind_ == 'u') && is_one_of({1, 2, 4, 8});
  if (!known) refuse("an unknown type");
  swapped_ = type[0] == '>' && item_bytes_ > 1;
}

template <class Visit>
void NpyFile::visit_type(Visit visit) const {
  const auto pick = [&]<class T1, class T2, class T4, class T8>() {
    switch (item_bytes_) {
      case 1:
        return visit(T1{});
      case 2:
        return visit(T2{});
      case 4:
        return visit(T4{});
      default:
        return visit(T8{});
    }
  };
  if (kind_ == 'f')
    pick.template operator()<float, Half, float, double>();
  else if (kind_ == 'i')
    pick.template operator()<std::int8_t, std::int16_t, std::int32_t, std::int64_t>();
  else
    pick.template operator()<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>();
}

std::string NpyFile::shape_text() const {
  return fmt::format("{} of type {}{}", fmt::join(shape_, " x "), kind_, item_bytes_);
}

FeatureRows NpyFile::features() const {
  if (shape_.size() != 2)
    throw UserError("{} has {} dimensions; features are N x D", name_, shape_.size());
  const std::int64_t rows = shape_[0], cols = shape_[1];
  if (rows == 0) throw UserError("{} holds no row (shape {} x {})", name_, rows, cols);
  if (cols == 0) throw UserError("{} holds no column (shape {} x {})", name_, rows, cols);
  const bool row_order = !fortran_ || rows == 1 || cols == 1;
  const bool aligned = reinterpret_cast<std::uintptr_t>(data()) % alignof(float) == 0;
  if (kind_ == 'f' && item_bytes_ == 4 && !swapped_ && row_order && aligned)
    return {{reinterpret_cast<const float*>(data()), rows, cols}, file_};

  auto copy = std::make_shared<Matrix<float>>(rows, cols);
  const std::int64_t row_step = row_order ? cols : 1;
  const std::int64_t col_step = row_order ? 1 : rows;
  visit_type([&]<class T>(T) {
    // Columns lie apart in Fortran order: a block of rows keeps what is fetched in the cache.
    constexpr std::int64_t kBlock = 64;
    parallel_for(rows, kBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; block += kBlock)
        for (std::int64_t j = 0; j < cols; ++j)
          for (std::int64_t i = block; i < std::min(end, block + kBlock); ++i)
            (*copy)(i, j) = static_cast<float>(
                load<T>(data() + (i * row_step + j * col_step) * item_bytes_, swapped_));
    });
  });
  return {copy->view(), copy};
}

ImageArray NpyFile::images() const {
  const auto refuse = [&](const std::string& why) {
    throw UserError("{} (shape {}) cannot be read as images: {}", name_, shape_text(), why);
  };
  if (shape_.size() != 3 && shape_.size() != 4) refuse("images are N x H x W, or N x H x W x 3");
  const std::int64_t last = shape_.size() == 4 ? shape_[3] : 1;
  if (last != 1 && last != 3) {
    if (shape_[1] == 1 || shape_[1] == 3)
      refuse(
          "the channels come before height and width; put them last with "
          "x.transpose(0, 2, 3, 1)");
    if (last == 4) refuse("it has 4 channels; leave out the transparency with x[..., :3]");
    refuse("the last size is the number of channels, 1 or 3");
  }
  if (fortran_) refuse("it is in Fortran order; save numpy.ascontiguousarray(x)");
  const bool real = kind_ == 'f';
  if (!real && item_bytes_ != 1)
    refuse(
        "pixels are uint8, or reals in 0..1; convert it with x.astype('uint8') if it holds 0..255");
  if (kind_ == 'i')
    refuse("pixels are uint8; convert it with x.astype('uint8') if it holds 0..127");
  if (checked_bytes(shape_, 1, name_) == 0) refuse("it holds no pixel");

  ImageArray array{base_name_, {last, shape_[1], shape_[2]}, shape_[0], {}};
  // The file is kept by the copy of this object in the closure.
  array.write = [self = *this, array](ImageSink& sink, std::int64_t first) {
    const std::int64_t each = array.shape.pixels();
    self.visit_type([&]<class T>(T) {
      put_images(sink, first, array, [&](std::int64_t i, std::uint8_t* out) {
        const std::byte* from = self.data() + i * each * self.item_bytes_;
        std::vector<std::uint8_t> bytes(static_cast<std::size_t>(each));
        for (std::int64_t p = 0; p < each; ++p) {
          const T value = load<T>(from + p * self.item_bytes_, self.swapped_);
          if constexpr (std::is_integral_v<T>) {
            bytes[p] = self.kind_ == 'b' ? (value ? 255 : 0) : static_cast<std::uint8_t>(value);
          } else {
            // A little more than the range is what sums and means of pixels leave behind.
            constexpr double kSlack = 1e-5;
            const double level = static_cast<double>(value);
            if (!(level >= -kSlack && level <= 1 + kSlack))
              throw UserError(
                  "{}: image {} holds the value {}; reals must lie in 0..1: for pixels "
                  "in 0..255 save x.astype('uint8'), otherwise scale to 0..1 first",
                  self.name_, i, level);
            bytes[p] = static_cast<std::uint8_t>(std::clamp(level, 0.0, 1.0) * 255 + 0.5);
          }
        }
        interleaved_to_planes(bytes.data(), array.shape, out);
      });
    });
  };
  return array;
}

std::vector<std::int64_t> NpyFile::labels() const {
  const bool one_row = shape_.size() == 1 || (shape_.size() == 2 && shape_[1] == 1);
  if (!is_integer() || !one_row)
    throw UserError(
        "{} holds {} ({}); labels are one integer for each image: save "
        "labels.astype('int64') with shape (N,)",
        name_, is_integer() ? "no list of numbers" : "no integers", shape_text());
  std::vector<std::int64_t> labels(static_cast<std::size_t>(shape_[0]));
  visit_type([&]<class T>(T) {
    for (std::size_t i = 0; i < labels.size(); ++i)
      if constexpr (std::is_integral_v<T>)
        labels[i] = static_cast<std::int64_t>(load<T>(data() + i * sizeof(T), swapped_));
  });
  return labels;
}

}  // namespace coterie
