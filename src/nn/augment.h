#pragma once

#include <array>

#include "coterie/core/random.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// How far a random affine map may go; each value is drawn uniformly and independently per image.
struct AffineRange {
  double degrees = 0;  ///< rotation by up to this, either way
  double shift = 0;    ///< move by up to this part of the side, along each axis
  double scale = 0;    ///< size times 1 - scale to 1 + scale
  double shear = 0;    ///< slant by up to this part of the height
  bool identity() const { return degrees == 0 && shift == 0 && scale == 0 && shear == 0; }
};

/// A map about an image's centre as `affine` (resample.h) takes it, row by row, from five numbers
/// of the stream.
std::array<float, 6> draw_affine(const AffineRange& range, RandomStream& stream);

/// A copy of images [N, C, H, W], on their device, each under an affine map of its own,
/// bilinear; what comes in from outside is 0. The maps are drawn from `stream`, so they do not
/// depend on the device.
torch::Tensor random_affine(const torch::Tensor& images, const AffineRange& range,
                            RandomStream& stream);

}  // namespace coterie
