#include "coterie/data/thumbnail.h"

#include <algorithm>
#include <cmath>

namespace coterie {
namespace {

constexpr double kLongestSide = 96;
constexpr double kFrame = 100;  // bytes of a PNG besides its pixels

/// What the pixel `at` of a line of `length` pixels covers of a line of `from` pixels.
struct Cover {
  Cover(std::int64_t at, std::int64_t length, std::int64_t from)
      : begin(static_cast<double>(at * from) / static_cast<double>(length)),
        end(static_cast<double>((at + 1) * from) / static_cast<double>(length)),
        first(static_cast<std::int64_t>(begin)),
        last(std::min(from, static_cast<std::int64_t>(std::ceil(end)))) {}
  double weight(std::int64_t i) const {
    return std::min(end, static_cast<double>(i + 1)) - std::max(begin, static_cast<double>(i));
  }
  double begin, end;
  std::int64_t first, last;
};

std::uint8_t mean_of(const std::uint8_t* plane, std::int64_t width, const Cover& rows,
                     const Cover& columns) {
  double sum = 0;
  for (std::int64_t y = rows.first; y < rows.last; ++y)
    for (std::int64_t x = columns.first; x < columns.last; ++x)
      sum += rows.weight(y) * columns.weight(x) * plane[y * width + x];
  const double area = (rows.end - rows.begin) * (columns.end - columns.begin);
  return static_cast<std::uint8_t>(std::lround(sum / area));
}

}  // namespace

ThumbnailSize thumbnail_size(const ImageShape& shape, std::int64_t count, std::int64_t budget) {
  const auto height = static_cast<double>(shape.height);
  const auto width = static_cast<double>(shape.width);
  double scale = std::min(1.0, kLongestSide / std::max(height, width));
  const double share =
      static_cast<double>(budget) / static_cast<double>(std::max<std::int64_t>(count, 1));
  const double room = std::max(share * 3 / 4 - kFrame, 1.0);
  const double bytes = height * width * static_cast<double>(shape.channels);
  scale = std::min(scale, std::sqrt(room / bytes));
  // A little is added so that a scale of 96 / 224 gives 96, not 95.
  const auto scaled = [&](double side) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(side * scale + 1e-6));
  };
  return {scaled(width), scaled(height)};
}

PngImage thumbnail(std::span<const std::uint8_t> image, const ImageShape& shape,
                   ThumbnailSize size) {
  PngImage out{size.width, size.height, shape.channels, {}};
  out.pixels.reserve(static_cast<std::size_t>(size.width * size.height * shape.channels));
  for (std::int64_t y = 0; y < size.height; ++y) {
    const Cover rows(y, size.height, shape.height);
    for (std::int64_t x = 0; x < size.width; ++x) {
      const Cover columns(x, size.width, shape.width);
      for (std::int64_t c = 0; c < shape.channels; ++c)
        out.pixels.push_back(
            mean_of(image.data() + c * shape.height * shape.width, shape.width, rows, columns));
    }
  }
  return out;
}

}  // namespace coterie
