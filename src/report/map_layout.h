#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "coterie/core/matrix.h"
#include "coterie/run/cluster.h"

namespace coterie {

/// Where each row of a run lies in the plane, as `coterie map` wrote it.
struct MapLayout {
  ConstFeatures positions;  ///< [N, 2], finite
  nlohmann::json about;     ///< map.json; an empty object where that is absent
  std::shared_ptr<const void> storage;
};

/// RUN/map.npy and RUN/map.json; none where there is no map. Throws UserError where the map does
/// not fit the run or holds a position that is no number.
std::optional<MapLayout> read_map(const LoadedRun& run, const CancelToken& cancel);

}  // namespace coterie
