#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/random.h"

namespace coterie::testing {

/// Gaussian blobs and the blob of each row. Centres lie on the axes, `apart` from the origin, plus
/// `offset` in every column.
struct Blobs {
  Blobs(std::int64_t rows, std::int64_t columns, std::int64_t count, double apart = 10.0,
        std::uint64_t seed = 1, double offset = 0.0)
      : features(rows, columns), truth(static_cast<std::size_t>(rows)) {
    RandomStream random(seed, "blobs");
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t blob = i % count;
      truth[i] = static_cast<std::int32_t>(blob);
      for (std::int64_t d = 0; d < columns; ++d) {
        const double sign = blob < columns ? 1.0 : -1.0;
        const double centre = d == blob % columns ? sign * apart : 0.0;
        features(i, d) = static_cast<float>(offset + centre + random.normal());
      }
    }
  }
  Matrix<float> features;
  std::vector<std::int32_t> truth;
};

}  // namespace coterie::testing
