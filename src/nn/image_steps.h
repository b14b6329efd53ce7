#pragma once

#include <array>
#include <span>
#include <vector>

#include "coterie/nn/torch.h"

namespace coterie {

/// One operation on one image, with the numbers it takes: those of image_ops.h and resample.h.
struct ImageStep {
  enum class Kind {
    none,
    crop,           ///< top, left, height, width
    flip,           ///< left to right
    affine,         ///< six entries of the map, row by row
    mix,            ///< shares: own, grey, mean
    hue,            ///< turns
    sharpen,        ///< factor
    blur,           ///< decay, radius; all images of a round have the same radius
    solarize,       ///< threshold
    posterize,      ///< width
    auto_contrast,  ///<
    equalize,       ///<
    cut_out         ///< top, left, height, width, value
  };
  static constexpr int kKinds = static_cast<int>(Kind::cut_out) + 1;
  static constexpr int kNumbers = 6;

  Kind kind = Kind::none;
  std::array<float, kNumbers> numbers{};

  /// A step of one number, `value`.
  static ImageStep of(Kind kind, double value) { return {kind, {static_cast<float>(value)}}; }

  // By a factor, 1 for no change.
  static ImageStep brightness(double factor);
  static ImageStep contrast(double factor);
  static ImageStep saturation(double factor);
  /// Gaussian blur of `sigma` > 0 pixels over an odd number of pixels, `kernel`.
  static ImageStep blur(double sigma, std::int64_t kernel);
};

/// A copy of images [N, C, S, S], in 0..1, on their device, after steps[i] has been done to image
/// i, in order. All images have equally many steps; images that take the same kind of step as their
/// r-th go through it together. The numbers travel to the device in one piece.
torch::Tensor apply_steps(const torch::Tensor& images,
                          std::span<const std::vector<ImageStep>> steps);

}  // namespace coterie
