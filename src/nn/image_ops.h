#pragma once

#include "coterie/nn/torch.h"

namespace coterie {

// What is done to the pixels of float images [N, C, H, W] in 0..1, C = 1 or 3. Every parameter is a
// tensor [N], one value for each image, on the images' device; results are new tensors in 0..1. An
// image's result does not depend on its neighbours in the batch, to the last bit: each step is
// rounded for itself, and what is summed over an image are whole numbers.

/// Luminance 0.2989 R + 0.587 G + 0.114 B, [N, 1, H, W]; one channel is its own.
torch::Tensor to_grey(const torch::Tensor& images);

/// clamp(own x + grey to_grey(x) + mean m, 0, 1) with shares [N, 3] = (own, grey, mean) and m the
/// mean of to_grey(x). By a factor f, as in torchvision: brightness (f, 0, 0), saturation
/// (f, 1 - f, 0), contrast (f, 0, 1 - f).
torch::Tensor mix(const torch::Tensor& images, const torch::Tensor& shares);

/// Turns the hue of images of 3 channels by `turns` (0.5: the opposite colour), saturation and
/// value (HSV) kept.
torch::Tensor shift_hue(const torch::Tensor& images, const torch::Tensor& turns);

/// Inverts what is at or above `threshold`.
torch::Tensor solarize(const torch::Tensor& images, const torch::Tensor& threshold);

/// Keeps of 256 levels the multiples of `width`, rounding down; 2^(8 - b) keeps b bits.
torch::Tensor posterize(const torch::Tensor& images, const torch::Tensor& width);

/// f x + (1 - f) s by `factor` f, where s is x smoothed by ((1 1 1) (1 5 1) (1 1 1)) / 13; the
/// border stays as it is.
torch::Tensor sharpen(const torch::Tensor& images, const torch::Tensor& factor);

/// Stretches each channel of an image to reach from 0 to 1; one of a single value stays.
torch::Tensor auto_contrast(const torch::Tensor& images);

/// Spreads each channel of an image, in 256 levels, to a flat histogram, as PIL.ImageOps.equalize.
torch::Tensor equalize(const torch::Tensor& images);

/// Fills the box [N, 4] = (top, left, height, width), in pixels and perhaps partly outside, with
/// `value`.
torch::Tensor cut_out(const torch::Tensor& images, const torch::Tensor& boxes,
                      const torch::Tensor& value);

/// (images - mean) / std of each channel, mean and std [1, C, 1, 1].
torch::Tensor normalise(const torch::Tensor& images, const torch::Tensor& mean,
                        const torch::Tensor& std);

}  // namespace coterie
