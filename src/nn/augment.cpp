#include "coterie/nn/augment.h"

#include <cmath>
#include <numbers>

namespace coterie {

torch::Tensor random_affine(const torch::Tensor& images, const AffineRange& range,
                            RandomStream& stream) {
  const std::int64_t count = images.size(0);
  auto maps = torch::empty({count, 2, 3}, torch::kFloat);
  auto* m = maps.data_ptr<float>();
  const auto within = [&](double bound) { return bound * (2 * stream.uniform() - 1); };
  for (std::int64_t i = 0; i < count; ++i, m += 6) {
    const double angle = within(range.degrees) * std::numbers::pi / 180;
    const double scale = 1 / (1 + within(range.scale));
    const double slant = within(range.shear);
    // The maps lead from output to input, in coordinates from -1 to 1.
    m[0] = static_cast<float>(scale * std::cos(angle));
    m[1] = static_cast<float>(scale * (slant * std::cos(angle) - std::sin(angle)));
    m[2] = static_cast<float>(2 * within(range.shift));
    m[3] = static_cast<float>(scale * std::sin(angle));
    m[4] = static_cast<float>(scale * (slant * std::sin(angle) + std::cos(angle)));
    m[5] = static_cast<float>(2 * within(range.shift));
  }
  const auto grid = torch::affine_grid_generator(maps.to(images.device()), images.sizes(), false);
  return torch::grid_sampler(images, grid, /*interpolation_mode=*/0, /*padding_mode=*/0, false);
}

}  // namespace coterie
