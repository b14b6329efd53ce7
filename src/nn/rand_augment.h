#pragma once

#include "coterie/core/random.h"
#include "coterie/nn/image_steps.h"

namespace coterie {

/// The operations of RandAugment (Cubuk et al. 2020), in torchvision's order.
enum class RandAugment {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  colour,
  contrast,
  sharpness,
  posterize,
  solarize,
  auto_contrast,
  equalize
};
inline constexpr int kRandAugments = static_cast<int>(RandAugment::equalize) + 1;

/// Magnitudes run from 0 (nothing) to this.
inline constexpr int kRandAugmentTop = 30;

/// The step that torchvision's RandAugment takes at a magnitude of its 31, on images of side
/// `side`: up to shears by 0.3 about the upper left corner, shifts by 150/331 of the side in whole
/// pixels, turns by 30 degrees, blends by factors 1 +- 0.9, 4 bits left, all inverted. `negative`
/// turns the direction where there are two. Geometry is bilinear here, where torchvision's default
/// takes the nearest pixel.
ImageStep rand_augment_step(RandAugment operation, int magnitude, bool negative, std::int64_t side);

/// One of them with equal chances, either direction.
ImageStep draw_rand_augment(RandomStream& stream, int magnitude, std::int64_t side);

}  // namespace coterie
