#include "coterie/nn/augment.h"

#include <cmath>
#include <numbers>

#include "coterie/nn/resample.h"

namespace coterie {

std::array<float, 6> draw_affine(const AffineRange& range, RandomStream& stream) {
  const auto within = [&](double bound) { return bound * (2 * stream.uniform() - 1); };
  const double angle = within(range.degrees) * std::numbers::pi / 180;
  const double scale = 1 / (1 + within(range.scale));
  const double slant = within(range.shear);
  const double across = 2 * within(range.shift);
  const double down = 2 * within(range.shift);
  return {static_cast<float>(scale * std::cos(angle)),
          static_cast<float>(scale * (slant * std::cos(angle) - std::sin(angle))),
          static_cast<float>(across),
          static_cast<float>(scale * std::sin(angle)),
          static_cast<float>(scale * (slant * std::sin(angle) + std::cos(angle))),
          static_cast<float>(down)};
}

torch::Tensor random_affine(const torch::Tensor& images, const AffineRange& range,
                            RandomStream& stream) {
  auto maps = torch::empty({images.size(0), 6}, torch::kFloat);
  auto rows = maps.accessor<float, 2>();
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    const auto map = draw_affine(range, stream);
    for (std::size_t k = 0; k < map.size(); ++k) rows[i][static_cast<std::int64_t>(k)] = map[k];
  }
  return affine(images, maps.to(images.device()));
}

}  // namespace coterie
