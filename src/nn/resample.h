#pragma once

#include "coterie/nn/torch.h"

namespace coterie {

// Geometry of float images [N, C, S, S]. Parameters have a row for each image and lie on the
// images' device; results are new tensors of the same shape, their values within the range of the
// images' but for rounding. An image's result does not depend on its neighbours in the batch, to
// the last bit.

/// Each image's box [N, 4] = (top, left, height, width), in whole pixels within the image, enlarged
/// to the image's size, bilinear; as torchvision's resized_crop.
torch::Tensor crop_resize(const torch::Tensor& images, const torch::Tensor& boxes);

/// Each image under a map [N, 2, 3] or [N, 6] from output to input in coordinates (x, y) from -1 to
/// 1, bilinear; what comes in from outside is 0.
torch::Tensor affine(const torch::Tensor& images, const torch::Tensor& maps);

/// Gaussian blur over 2 radius + 1 pixels along both axes, mirrored at the border (radius < S).
/// decay [N] = exp(-1 / (2 sigma^2)), sigma in pixels: the weight of a direct neighbour.
torch::Tensor gaussian_blur(const torch::Tensor& images, const torch::Tensor& decay,
                            std::int64_t radius);

}  // namespace coterie
