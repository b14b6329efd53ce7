#include "coterie/annotate/picture.h"

#include <algorithm>
#include <utility>

#include "coterie/data/png.h"
#include "coterie/data/thumbnail.h"
#include "coterie/data/whole_image.h"

namespace coterie {
namespace {

constexpr std::int64_t kSmallSide = 128;
constexpr std::int64_t kLargeSide = 256;
constexpr std::int64_t kLargestSide = 1024;
constexpr std::int64_t kMostSquares = 64;  // the page smooths larger ones (kSmall in parts.tsx)

std::int64_t longer_side(const ImageShape& shape) { return std::max(shape.height, shape.width); }

/// The image with its longer side at most `longest`.
PngImage fitted(const Dataset& dataset, std::int64_t image, std::int64_t longest) {
  const ImageShape& shape = dataset.shape;
  const std::int64_t longer = longer_side(shape);
  const auto scaled = [&](std::int64_t side) {
    return longer <= longest ? side : std::max<std::int64_t>(1, side * longest / longer);
  };
  return thumbnail(dataset.training_data().image(image), shape,
                   {scaled(shape.width), scaled(shape.height)});
}

PngImage enlarged(const PngImage& image, std::int64_t factor) {
  PngImage out{image.width * factor, image.height * factor, image.channels, {}};
  out.pixels.reserve(static_cast<std::size_t>(out.width * out.height * out.channels));
  for (std::int64_t y = 0; y < out.height; ++y)
    for (std::int64_t x = 0; x < out.width; ++x) {
      const auto pixel =
          image.pixels.begin() + (y / factor * image.width + x / factor) * image.channels;
      out.pixels.insert(out.pixels.end(), pixel, pixel + image.channels);
    }
  return out;
}

// Compressing takes longer than sending within one machine.
std::string encoded(const PngImage& image) { return encode_png(image, PngCode::stored); }

}  // namespace

std::string small_picture(const Dataset& dataset, std::int64_t image) {
  return encoded(fitted(dataset, image, kSmallSide));
}

std::string large_picture(const Dataset& dataset, std::int64_t image,
                          const std::optional<std::filesystem::path>& files) {
  std::optional<PngImage> whole;
  if (files) whole = read_whole_image(*files / dataset.paths[image], kLargestSide);
  const PngImage fitting = whole ? std::move(*whole) : fitted(dataset, image, kLargestSide);
  const std::int64_t longer = std::max(fitting.width, fitting.height);
  if (longer > kMostSquares) return encoded(fitting);
  return encoded(enlarged(fitting, (kLargeSide + longer - 1) / longer));
}

}  // namespace coterie
