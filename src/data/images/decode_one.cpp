#include "coterie/data/images/decode_one.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "coterie/core/error.h"

namespace coterie::images {
namespace {

/// Longer than this many times their width, images are cut to their middle before they are resized:
/// the resized strip would not fit into memory.
constexpr int kLongestAspect = 32;
/// Output rows computed at a time.
constexpr int kStripRows = 16;

VipsFailOn strictness(Kind kind) {
  // libvips 8.14 built on libspng skips checksums at the stricter level.
  static const bool swapped = vips_version(0) == 8 && vips_version(1) < 15;
  return kind == Kind::kPng && swapped ? VIPS_FAIL_ON_TRUNCATED : VIPS_FAIL_ON_ERROR;
}

template <class Call>
VipsImagePtr image_of(Call&& call) {
  VipsImage* image = nullptr;
  check_vips(call(&image));
  return VipsImagePtr(image);
}

/// Opens the image, made smaller by the decoder itself where it can: by up to `shrink` times.
VipsImagePtr open_image(const ImageSource& source, double shrink) {
  const VipsFailOn fail_on = strictness(source.kind());
  constexpr VipsAccess kAccess = VIPS_ACCESS_SEQUENTIAL;
  VipsSource* const bytes = source.vips();
  return image_of([&](VipsImage** out) {
    switch (source.kind()) {
      case Kind::kJpeg: {
        const int factor = shrink >= 8 ? 8 : shrink >= 4 ? 4 : shrink >= 2 ? 2 : 1;
        return vips_jpegload_source(bytes, out, "access", kAccess, "fail_on", fail_on, "shrink",
                                    factor, nullptr);
      }
      case Kind::kWebp:
        return vips_webpload_source(bytes, out, "access", kAccess, "fail_on", fail_on, "scale",
                                    1.0 / std::max(shrink, 1.0), nullptr);
      case Kind::kPng:
        return vips_pngload_source(bytes, out, "access", kAccess, "fail_on", fail_on, nullptr);
      case Kind::kGif:
        return vips_gifload_source(bytes, out, "access", kAccess, "fail_on", fail_on, nullptr);
      case Kind::kTiff:
        return vips_tiffload_source(bytes, out, "access", kAccess, "fail_on", fail_on, nullptr);
      case Kind::kHeif:
        return vips_heifload_source(bytes, out, "access", kAccess, "fail_on", fail_on, nullptr);
    }
    return -1;
  });
}

void check_size(const VipsImage* image, std::uint64_t max_pixels) {
  const auto pixels = static_cast<std::uint64_t>(image->Xsize) * image->Ysize;
  if (pixels > max_pixels)
    throw BadImage(fmt::format("{} x {} pixels, more than the limit of {}", image->Xsize,
                               image->Ysize, max_pixels));
}

/// How the pixels are to be understood. Throws BadImage where they have no colours.
VipsInterpretation colours_of(VipsImage* image) {
  const VipsInterpretation space = vips_image_guess_interpretation(image);
  const VipsBandFormat format = vips_image_get_format(image);
  const bool integers = format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT;
  const int colours = vips_image_get_bands(image) - (vips_image_hasalpha(image) ? 1 : 0);
  int expected = 3;
  switch (space) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
      expected = 1;
      break;
    case VIPS_INTERPRETATION_CMYK:
      expected = 4;
      break;
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
      break;
    case VIPS_INTERPRETATION_scRGB:
    case VIPS_INTERPRETATION_XYZ:
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABS:
      if (colours == 3) return space;
      break;
    default:
      expected = 0;
  }
  if (colours != expected)
    throw BadImage(
        fmt::format("{} values a pixel: neither grey nor colours", vips_image_get_bands(image)));
  if (!integers)
    throw BadImage(fmt::format("pixels of type {}: save it with 8 or 16 bits",
                               vips_enum_nick(VIPS_TYPE_BAND_FORMAT, format)));
  return space;
}

VipsImagePtr over_white(VipsImagePtr image) {
  if (!vips_image_hasalpha(image.get())) return image;
  if (image->BandFmt != VIPS_FORMAT_UCHAR && image->BandFmt != VIPS_FORMAT_USHORT)
    image = image_of([&](VipsImage** out) {
      return vips_colourspace(image.get(), out, VIPS_INTERPRETATION_sRGB, nullptr);
    });
  const bool ink = image->Type == VIPS_INTERPRETATION_CMYK;
  const double full = image->BandFmt == VIPS_FORMAT_USHORT ? 65535.0 : 255.0;
  const std::unique_ptr<VipsArrayDouble, void (*)(VipsArrayDouble*)> white(
      vips_array_double_newv(1, ink ? 0.0 : full),
      [](VipsArrayDouble* a) { vips_area_unref(VIPS_AREA(a)); });
  return image_of([&](VipsImage** out) {
    return vips_flatten(image.get(), out, "background", white.get(), "max_alpha", full, nullptr);
  });
}

/// In sRGB or grey, 8 bits.
VipsImagePtr to_display(VipsImagePtr image, int channels) {
  VipsImage* converted = nullptr;
  if (vips_image_get_typeof(image.get(), VIPS_META_ICC_NAME) != 0 &&
      vips_icc_transform(image.get(), &converted, "srgb", "embedded", TRUE, "depth", 8, nullptr) ==
          0)
    image.reset(converted);  // A profile that does not fit the image counts as none.
  const bool grey = image->Bands < 3 || channels == 1;
  const VipsInterpretation wanted = grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  if (image->Type != wanted || image->BandFmt != VIPS_FORMAT_UCHAR)
    image = image_of(
        [&](VipsImage** out) { return vips_colourspace(image.get(), out, wanted, nullptr); });
  if (image->BandFmt != VIPS_FORMAT_UCHAR)
    image = image_of([&](VipsImage** out) { return vips_cast_uchar(image.get(), out, nullptr); });
  return image;
}

struct Extent {
  int width;
  int height;
};

/// Both sides after resizing the short one to `side`.
Extent resized(Extent from, int side) {
  const double scale = static_cast<double>(side) / std::min(from.width, from.height);
  return {std::max(side, static_cast<int>(std::lround(from.width * scale))),
          std::max(side, static_cast<int>(std::lround(from.height * scale)))};
}

VipsImagePtr cut_to_aspect(VipsImagePtr image) {
  const int most = kLongestAspect * std::min(image->Xsize, image->Ysize);
  const int width = std::min(image->Xsize, most);
  const int height = std::min(image->Ysize, most);
  if (width == image->Xsize && height == image->Ysize) return image;
  return image_of([&](VipsImage** out) {
    return vips_extract_area(image.get(), out, (image->Xsize - width) / 2,
                             (image->Ysize - height) / 2, width, height, nullptr);
  });
}

VipsImagePtr resize_to(VipsImagePtr image, Extent to) {
  if (image->Xsize == to.width && image->Ysize == to.height) return image;
  return image_of([&](VipsImage** out) {
    return vips_resize(image.get(), out, static_cast<double>(to.width) / image->Xsize, "vscale",
                       static_cast<double>(to.height) / image->Ysize, nullptr);
  });
}

/// Where the upright square lies in the stored image, and how it is walked through.
class UprightSquare {
 public:
  UprightSquare(Extent stored, int side, int orientation)
      : side_(side),
        swap_(orientation >= 5),
        mirror_x_(orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8),
        mirror_y_(orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) {
    left_ = offset(stored.width, mirror_x_);
    top_ = offset(stored.height, mirror_y_);
  }

  int left() const { return left_; }
  int top() const { return top_; }

  /// Pixel index inside the stored square of what is at (x, y) when upright.
  int stored_index(int x, int y) const {
    if (swap_) std::swap(x, y);
    if (mirror_x_) x = side_ - 1 - x;
    if (mirror_y_) y = side_ - 1 - y;
    return y * side_ + x;
  }

 private:
  /// An odd rest lies on the right and the bottom of the upright image.
  int offset(int length, bool mirrored) const {
    const int rest = length - side_;
    return mirrored ? rest - rest / 2 : rest / 2;
  }

  int side_;
  bool swap_;
  bool mirror_x_;
  bool mirror_y_;
  int left_ = 0;
  int top_ = 0;
};

/// The square's pixels as they lie in the image, band by band interleaved. Computes all rows.
std::vector<std::uint8_t> compute_square(VipsImage* image, const UprightSquare& square, int side) {
  const std::size_t row_bytes = static_cast<std::size_t>(side) * image->Bands;
  std::vector<std::uint8_t> pixels(row_bytes * side);
  const std::unique_ptr<VipsRegion, ObjectUnref> region(vips_region_new(image));
  for (int y = 0; y < image->Ysize; y += kStripRows) {
    const VipsRect strip = {square.left(), y, side, std::min(kStripRows, image->Ysize - y)};
    check_vips(vips_region_prepare(region.get(), &strip));
    for (int row = y; row < y + strip.height; ++row) {
      if (row < square.top() || row >= square.top() + side) continue;
      const VipsPel* from = VIPS_REGION_ADDR(region.get(), strip.left, row);
      std::copy_n(from, row_bytes, pixels.begin() + (row - square.top()) * row_bytes);
    }
  }
  return pixels;
}

/// Opens the image with the kind of its colours told, its sides at most `shrink` times smaller: the
/// decoder's own shrinking is coarse, and the last halving is left to a resize.
VipsImagePtr open_understood(const ImageSource& source, double shrink, std::uint64_t max_pixels) {
  VipsImagePtr image = open_image(source, shrink);
  check_size(image.get(), max_pixels);
  const VipsInterpretation space = colours_of(image.get());
  if (image->Type == space) return image;
  return image_of([&](VipsImage** copy) {
    return vips_copy(image.get(), copy, "interpretation", space, nullptr);
  });
}

}  // namespace

ImageHeader read_header(const ImageSource& source, std::uint64_t max_pixels) {
  const VipsImagePtr image = open_image(source, 1);
  check_size(image.get(), max_pixels);
  const VipsInterpretation space = colours_of(image.get());
  ImageHeader header;
  header.width = image->Xsize;
  header.height = image->Ysize;
  header.grey = space == VIPS_INTERPRETATION_B_W || space == VIPS_INTERPRETATION_GREY16;
  header.whole = source.kind() == Kind::kGif || source.kind() == Kind::kWebp ||
                 source.kind() == Kind::kHeif ||
                 vips_image_get_typeof(image.get(), "interlaced") != 0;
  return header;
}

void decode_image(const ImageSource& source, const ImageHeader& header, const Target& target,
                  std::span<std::uint8_t> out) {
  const double shrink = std::min(header.width, header.height) / (2.0 * target.side);
  VipsImagePtr image = open_understood(source, shrink, target.max_pixels);
  const int orientation = vips_image_get_orientation(image.get());
  image = cut_to_aspect(over_white(std::move(image)));
  const bool cut = std::max(header.width, header.height) >
                   kLongestAspect * std::min(header.width, header.height);
  const Extent from =
      cut ? Extent{image->Xsize, image->Ysize} : Extent{header.width, header.height};
  image = to_display(resize_to(std::move(image), resized(from, target.side)), target.channels);
  if (image->Xsize < target.side || image->Ysize < target.side)
    throw BadImage("changed while it was read");

  const UprightSquare square({image->Xsize, image->Ysize}, target.side, orientation);
  const std::vector<std::uint8_t> pixels = compute_square(image.get(), square, target.side);
  const int bands = image->Bands;
  auto to = out.begin();
  for (int c = 0; c < target.channels; ++c)
    for (int y = 0; y < target.side; ++y)
      for (int x = 0; x < target.side; ++x)
        *to++ = pixels[static_cast<std::size_t>(square.stored_index(x, y)) * bands +
                       std::min(c, bands - 1)];
}

PngImage decode_whole(const ImageSource& source, const ImageHeader& header, int longest,
                      std::uint64_t max_pixels) {
  const double longer = std::max(header.width, header.height);
  VipsImagePtr image = over_white(open_understood(source, longer / (2.0 * longest), max_pixels));
  const double scale = std::min(1.0, longest / longer);
  const auto scaled = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(length * scale)));
  };
  image = resize_to(std::move(image), {scaled(header.width), scaled(header.height)});
  image = to_display(std::move(image), 3);
  // Rows come in order from the decoder, and turning takes them in another one.
  image = image_of([&](VipsImage** out) {
    *out = vips_image_copy_memory(image.get());
    return *out ? 0 : -1;
  });
  image = image_of([&](VipsImage** out) { return vips_autorot(image.get(), out, nullptr); });
  std::size_t size = 0;
  const std::unique_ptr<void, void (*)(void*)> bytes(vips_image_write_to_memory(image.get(), &size),
                                                     g_free);
  check_vips(bytes ? 0 : -1);
  const auto* first = static_cast<const std::uint8_t*>(bytes.get());
  return {image->Xsize, image->Ysize, image->Bands, {first, first + size}};
}

}  // namespace coterie::images
