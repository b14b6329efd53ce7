#include "coterie/nn/resample.h"

namespace coterie {
namespace {

enum class Outside { zero, border };  // As grid_sampler numbers them.

/// Bilinear samples at x and y, which broadcast to [N, S, S], in coordinates from -1 to 1.
torch::Tensor sample(const torch::Tensor& images, const torch::Tensor& x, const torch::Tensor& y,
                     Outside outside) {
  const auto grid =
      torch::stack({x.expand({-1, images.size(2), -1}), y.expand({-1, -1, images.size(3)})}, 3);
  return torch::grid_sampler(images, grid, /*interpolation_mode=*/0, static_cast<int>(outside),
                             /*align_corners=*/false);
}

/// The centres of `side` pixels, in pixels.
torch::Tensor centres(std::int64_t side, const torch::Tensor& like) {
  return torch::arange(side, like.options()).add_(0.5).unsqueeze(0);
}

/// Where the output's pixels lie along an axis of the input, from -1 to 1, [N, side].
torch::Tensor box_axis(const torch::Tensor& begin, const torch::Tensor& length, std::int64_t side) {
  const auto first = begin.unsqueeze(1);
  const auto count = length.unsqueeze(1);
  // Between the centres of the box's first and last pixel: nothing outside it is to be seen.
  const auto at =
      torch::minimum((centres(side, begin) * (count / side)).clamp_min_(0.5), count - 0.5);
  return at.add(first).mul_(2.0 / static_cast<double>(side)).sub_(1);
}

torch::Tensor blur_axis(const torch::Tensor& images, const torch::Tensor& decay,
                        const torch::Tensor& padded, int dim) {
  const std::int64_t side = images.size(dim);
  const std::int64_t radius = (padded.size(dim) - side) / 2;
  auto out = images.clone();
  auto weight = torch::ones_like(decay);
  auto total = torch::ones_like(decay);
  // decay^(d^2), by products alone: exp may differ between the lanes of a vector and its rest.
  auto ratio = decay.clone();
  const auto square = decay * decay;
  for (std::int64_t d = 1; d <= radius; ++d) {
    weight.mul_(ratio);
    ratio.mul_(square);
    total.add_(weight * 2);
    out.add_(
        (padded.narrow(dim, radius - d, side) + padded.narrow(dim, radius + d, side)).mul_(weight));
  }
  return out.div_(total);
}

}  // namespace

torch::Tensor crop_resize(const torch::Tensor& images, const torch::Tensor& boxes) {
  const auto y = box_axis(boxes.select(1, 0), boxes.select(1, 2), images.size(2));
  const auto x = box_axis(boxes.select(1, 1), boxes.select(1, 3), images.size(3));
  return sample(images, x.unsqueeze(1), y.unsqueeze(2), Outside::border);
}

torch::Tensor affine(const torch::Tensor& images, const torch::Tensor& maps) {
  const auto axis = [&](std::int64_t side) {
    return centres(side, maps).mul_(2.0 / static_cast<double>(side)).sub_(1);
  };
  const auto x = axis(images.size(3)).unsqueeze(1);
  const auto y = axis(images.size(2)).unsqueeze(2);
  const auto entries = maps.reshape({-1, 6});
  const auto entry = [&](int i) { return entries.narrow(1, i, 1).unsqueeze(2); };
  const auto row = [&](int i) { return x * entry(i) + (y * entry(i + 1)).add_(entry(i + 2)); };
  return sample(images, row(0), row(3), Outside::zero);
}

torch::Tensor gaussian_blur(const torch::Tensor& images, const torch::Tensor& decay,
                            std::int64_t radius) {
  const auto weights = decay.reshape({-1, 1, 1, 1});
  const auto across =
      blur_axis(images, weights, torch::reflection_pad2d(images, {radius, radius, 0, 0}), 3);
  return blur_axis(across, weights, torch::reflection_pad2d(across, {0, 0, radius, radius}), 2);
}

}  // namespace coterie
