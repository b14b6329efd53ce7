#include "coterie/nn/rand_augment.h"

#include <cmath>
#include <numbers>

namespace coterie {
namespace {

using Kind = ImageStep::Kind;


/// By the entries of an affine map.
ImageStep mapped(double xx, double xy, double x, double yx, double yy, double y) {
  return {Kind::affine,
          {static_cast<float>(xx), static_cast<float>(xy), static_cast<float>(x),
           static_cast<float>(yx), static_cast<float>(yy), static_cast<float>(y)}};
}

}  // namespace

ImageStep rand_augment_step(RandAugment operation, int magnitude, bool negative,
                            std::int64_t side) {
  const double part = static_cast<double>(magnitude) / kRandAugmentTop;
  const double sign = negative ? -1 : 1;
  const double shear = sign * 0.3 * part;
  const double pixels = sign * std::trunc(150.0 / 331.0 * static_cast<double>(side) * part);
  const double shift = -2 * pixels / static_cast<double>(side);
  const double angle = sign * 30 * part * std::numbers::pi / 180;
  const double factor = 1 + sign * 0.9 * part;
  switch (operation) {
    case RandAugment::identity:
      break;
    case RandAugment::shear_x:
      return mapped(1, shear, shear, 0, 1, 0);
    case RandAugment::shear_y:
      return mapped(1, 0, 0, shear, 1, shear);
    case RandAugment::translate_x:
      return mapped(1, 0, shift, 0, 1, 0);
    case RandAugment::translate_y:
      return mapped(1, 0, 0, 0, 1, shift);
    case RandAugment::rotate:
      return mapped(std::cos(angle), -std::sin(angle), 0, std::sin(angle), std::cos(angle), 0);
    case RandAugment::brightness:
      return ImageStep::brightness(factor);
    case RandAugment::colour:
      return ImageStep::saturation(factor);
    case RandAugment::contrast:
      return ImageStep::contrast(factor);
    case RandAugment::sharpness:
      return ImageStep::of(Kind::sharpen, factor);
    case RandAugment::posterize:  // As many bits fewer as a quarter of the scale has whole parts.
      return ImageStep::of(Kind::posterize, std::exp2(std::nearbyint(4 * part)));
    case RandAugment::solarize:
      return ImageStep::of(Kind::solarize, 1 - part);
    case RandAugment::auto_contrast:
      return {Kind::auto_contrast, {}};
    case RandAugment::equalize:
      return {Kind::equalize, {}};
  }
  return {};
}

ImageStep draw_rand_augment(RandomStream& stream, int magnitude, std::int64_t side) {
  const auto operation = static_cast<RandAugment>(stream.below(kRandAugments));
  const bool negative = stream.uniform() < 0.5;
  return rand_augment_step(operation, magnitude, negative, side);
}

}  // namespace coterie
