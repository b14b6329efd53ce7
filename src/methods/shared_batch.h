#pragma once

#include <algorithm>
#include <cstdint>

#include "coterie/train/processes.h"

namespace coterie {

/// The largest batch up to `size` of which all processes have as many images: one each at least.
inline std::int64_t shared_batch(std::int64_t size, const Processes& processes) {
  const std::int64_t ranks = processes.size();
  return std::max(ranks, size / ranks * ranks);
}

}  // namespace coterie
