#pragma once

/// The one way to libtorch's headers. Everything that differs between libtorch 1.13 and 2.x stands
/// here, so that the rest of the code reads the same for both.
#include <torch/torch.h>
#include <torch/version.h>

#ifndef TORCH_VERSION_MAJOR
#error "libtorch 1.13 or newer is needed"
#endif

namespace coterie {

/// Resizes float images [N, C, H, W] to `height` x `width`, bilinear, with the low-pass filter that
/// makes a smaller image free of aliasing.
inline torch::Tensor resize_antialiased(const torch::Tensor& images, std::int64_t height,
                                        std::int64_t width) {
#if TORCH_VERSION_MAJOR >= 2
  namespace F = torch::nn::functional;
  return F::interpolate(images, F::InterpolateFuncOptions()
                                    .size(std::vector<std::int64_t>{height, width})
                                    .mode(torch::kBilinear)
                                    .align_corners(false)
                                    .antialias(true));
#else
  // The option of torch::nn::functional::interpolate came with 2.0.
  return at::_upsample_bilinear2d_aa(images, {height, width}, false);
#endif
}

/// The state of a device's default random generator as a byte tensor on the CPU.
inline torch::Tensor generator_state(const torch::Device& device) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  std::lock_guard lock(generator.mutex());
  return generator.get_state().clone();
}

inline void set_generator_state(const torch::Device& device, const torch::Tensor& state) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

}  // namespace coterie
