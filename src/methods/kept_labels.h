#pragma once

#include <cstdint>
#include <vector>

#include "coterie/data/constraints.h"
#include "coterie/methods/image_outputs.h"

namespace coterie {

/// Stands for the label of an image that may go to any cluster.
inline constexpr std::int32_t kFree = -1;

/// The labels [N] that images are to keep: those `given`, or where there are none the network's.
/// Free are images of whose constraints these do not meet at least half. Where the network has
/// clusters (`now` is not empty), the images nearest to one that it misplaces so, a tenth of a
/// cluster of them and at most 50, are free too if they are of the same cluster and nothing was
/// said of them: they may go with it.
std::vector<std::int32_t> kept_labels(const std::vector<std::int32_t>& given,
                                      const ImageOutputs& now,
                                      const std::vector<Constraint>& constraints);

}  // namespace coterie
