#include "coterie/data/feature_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include "coterie/core/parallel.h"
#include "coterie/core/sha256.h"

namespace coterie {
namespace {

bool all_finite(std::span<const float> values) {
  // One flag for the whole row, so that the compiler can compare several values at a time.
  int bad = 0;
  for (const float value : values) bad |= !(std::fabs(value) <= std::numeric_limits<float>::max());
  return bad == 0;
}

}  // namespace

void check_finite(ConstFeatures features, const std::string& name, const CancelToken& cancel) {
  std::int64_t first_bad = features.rows;
  std::mutex mutex;
  const std::int64_t grain =
      std::max<std::int64_t>(1, (1 << 20) / std::max<std::int64_t>(1, features.cols));
  parallel_for(features.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (i % grain == 0) cancel.check();
      if (all_finite(features.row_span(i))) continue;
      const std::lock_guard lock(mutex);
      first_bad = std::min(first_bad, i);
      return;
    }
  });
  if (first_bad == features.rows) return;
  const auto row = features.row_span(first_bad);
  const auto bad = std::find_if(row.begin(), row.end(), [](float v) { return !std::isfinite(v); });
  throw UserError(
      "{}: row {}, column {} (both from 0) holds {}, which is no finite 32-bit number; remove or "
      "replace such values first",
      name, first_bad, bad - row.begin(), *bad);
}

std::string fingerprint_of(ConstFeatures features, const CancelToken& cancel) {
  Sha256 hash;
  hash.update(fmt::format("features {} {}\n", features.rows, features.cols));
  const auto* bytes = reinterpret_cast<const char*>(features.data);
  const std::size_t total = static_cast<std::size_t>(features.size()) * sizeof(float);
  constexpr std::size_t kPiece = 64 << 20;
  for (std::size_t at = 0; at < total; at += kPiece) {
    cancel.check();
    hash.update(bytes + at, std::min(kPiece, total - at));
  }
  return hash.hex_digest();
}

}  // namespace coterie
