#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coterie {

/// A curve as inline SVG with its axes, named for those who cannot see it by its first, last and
/// extreme values. `name` is escaped already; `points` are (x, y), x ascending, at least one.
std::string line_chart(std::string_view name, std::string_view x_name,
                       const std::vector<std::pair<double, double>>& points);

}  // namespace coterie
