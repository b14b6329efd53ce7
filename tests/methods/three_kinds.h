#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/random.h"
#include "coterie/data/dataset.h"

namespace coterie::testing {

/// Small images of three kinds (a bar at the top, on the left, a blot in the corner), with noise.
struct ToyImages {
  explicit ToyImages(std::int64_t count) : pixels(static_cast<std::size_t>(count * 28 * 28)) {
    RandomStream random(11, "toy images");
    for (std::int64_t i = 0; i < count; ++i) {
      truth.push_back(static_cast<std::int32_t>(i % 3));
      for (std::int64_t y = 0; y < 28; ++y)
        for (std::int64_t x = 0; x < 28; ++x) {
          const bool lit = i % 3 == 0 ? y < 8 : i % 3 == 1 ? x < 8 : (x > 14 && y > 14);
          pixels[(i * 28 + y) * 28 + x] =
              static_cast<std::uint8_t>((lit ? 180 : 20) + random.below(60));
        }
    }
    data = {.count = count, .pixels = pixels.data(), .shape = {1, 28, 28}, .features = {}};
  }
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> truth;
  TrainingData data;
};

}  // namespace coterie::testing
