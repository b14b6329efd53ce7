#pragma once

#include <optional>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/data/load.h"

namespace coterie::bench {

struct Pixels {
  Matrix<float> rows;  ///< [70000, 784], in 0..1
  std::vector<std::int32_t> truth;
};

/// Fashion-MNIST, read once; nothing where the package dataset-fashion-mnist is absent.
inline const std::optional<Pixels>& fashion() {
  static const std::optional<Pixels> pixels = []() -> std::optional<Pixels> {
    for (const auto& known : known_datasets()) {
      if (known.name != "fashion-mnist" || !known.found) continue;
      Progress progress;
      CancelToken cancel;
      const Dataset data = load_dataset(known.name, {}, progress, cancel);
      Pixels all{Matrix<float>(data.size(), data.shape.pixels()), data.truth};
      for (std::int64_t i = 0; i < all.rows.size(); ++i)
        all.rows.data()[i] = static_cast<float>(data.pixels[i]) / 255.0f;
      return all;
    }
    return std::nullopt;
  }();
  return pixels;
}

}  // namespace coterie::bench
