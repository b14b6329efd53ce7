#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/methods/method.h"

namespace coterie {

/// A layout to be made of what a run clustered: its images or rows as points in the plane.
struct MapRequest {
  std::filesystem::path run;
  /// Changed ones of LayoutParams, name and value as typed. Unless set, the perplexity is 30, or
  /// what the rows allow where they are fewer than 91; and a quarter of the iterations, 250 at
  /// most, are exaggerated.
  std::map<std::string, std::string> parameters;
  std::uint64_t seed = 0;
  std::string snapshot;  ///< STAGE-EPOCH of RUN/snapshots; empty: the run's final state
};

/// Lays out a finished run's embeddings, or where it has none the features or pixels that it
/// clustered; more than 50 columns are reduced to 50 principal components before. Writes
/// RUN/map.npy (float32 [N, 2]) and RUN/map.json, which it returns; of a snapshot
/// RUN/snapshots/STAGE-EPOCH-map.npy alone. What stood there is replaced. Throws UserError on bad
/// parameters, an unknown snapshot or fewer than four rows; Interrupted when cancelled. Both leave
/// an earlier map as it was.
nlohmann::json map_run(const MapRequest& request, Progress& progress, const CancelToken& cancel);

/// The parameters of a map, for its help.
std::vector<ParamInfo> map_parameters();

}  // namespace coterie
