#pragma once

/// The one way to libtorch's headers. What differs between libtorch 1.13 and 2.x stands here, so
/// that the rest of the code reads the same for both; train/processes.cpp alone has the names of
/// what connects processes.
#include <ATen/autocast_mode.h>
#include <torch/torch.h>
#include <torch/version.h>

#ifndef TORCH_VERSION_MAJOR
#error "libtorch 1.13 or newer is needed"
#endif

// Mixed precision is set for a device's type since 2.4; before, there were calls for each.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#define COTERIE_AUTOCAST_BY_TYPE
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

/// While one lives, libtorch computes convolutions and products on `device` in bf16.
class AutocastScope {
 public:
  AutocastScope(const torch::Device& device, bool on) : device_(device.type()), before_(is_on()) {
    set(on);
#ifdef COTERIE_AUTOCAST_BY_TYPE
    at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
#else
    if (device_ == torch::kCUDA) at::autocast::set_autocast_gpu_dtype(torch::kBFloat16);
    if (device_ == torch::kCPU) at::autocast::set_autocast_cpu_dtype(torch::kBFloat16);
#endif
    at::autocast::increment_nesting();
  }
  ~AutocastScope() {
    // The outermost scope forgets the weights that it cast: they change between the steps.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    set(before_);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
#ifdef COTERIE_AUTOCAST_BY_TYPE
  bool is_on() const { return at::autocast::is_autocast_enabled(device_); }
  void set(bool on) const { at::autocast::set_autocast_enabled(device_, on); }
#else
  bool is_on() const {
    return device_ == torch::kCUDA ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled();
  }
  void set(bool on) const {
    if (device_ == torch::kCUDA) at::autocast::set_enabled(on);
    if (device_ == torch::kCPU) at::autocast::set_cpu_enabled(on);
  }
#endif
  torch::DeviceType device_;
  bool before_;
};

}  // namespace coterie
