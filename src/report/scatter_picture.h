#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "coterie/core/matrix.h"

namespace coterie {

/// Points in the plane as inline SVG, for paper and where no script is run: at most `most` of
/// them, evenly taken from all. `positions` is [n, 2]; `colours` [n] are numbers of the page's
/// colours; `name` (escaped already) tells those who cannot see it what it shows.
std::string scatter_picture(ConstFeatures positions, std::span<const int> colours,
                            std::int64_t most, std::string_view name);

}  // namespace coterie
