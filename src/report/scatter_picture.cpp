#include "coterie/report/scatter_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

namespace coterie {
namespace {

constexpr double kSide = 1000;  // units of the picture's longer side
constexpr double kMargin = 15;

struct Box {
  explicit Box(ConstFeatures positions) {
    for (std::int64_t i = 0; i < positions.rows; ++i) {
      left = std::min(left, positions(i, 0));
      right = std::max(right, positions(i, 0));
      bottom = std::min(bottom, positions(i, 1));
      top = std::max(top, positions(i, 1));
    }
  }
  // In double: the span of two floats may be larger than a float can be.
  double width() const { return static_cast<double>(right) - left; }
  double height() const { return static_cast<double>(top) - bottom; }
  float left = HUGE_VALF, right = -HUGE_VALF, bottom = HUGE_VALF, top = -HUGE_VALF;
};

}  // namespace

std::string scatter_picture(ConstFeatures positions, std::span<const int> colours,
                            std::int64_t most, std::string_view name) {
  const Box box(positions);
  const double longer = std::max(box.width(), box.height());
  const double scale = longer > 0 ? (kSide - 2 * kMargin) / longer : 0;
  const std::int64_t shown = std::min(positions.rows, most);
  // A path of dots for each colour: lines without length, drawn with round ends.
  std::map<int, std::string> paths;
  for (std::int64_t s = 0; s < shown; ++s) {
    const std::int64_t i = s * positions.rows / shown;
    const double x = kMargin + (static_cast<double>(positions(i, 0)) - box.left) * scale;
    const double y = kMargin + (static_cast<double>(box.top) - positions(i, 1)) * scale;
    fmt::format_to(std::back_inserter(paths[colours[i]]), "M{} {}h0", std::lround(x),
                   std::lround(y));
  }
  std::string dots;
  for (const auto& [colour, path] : paths)
    dots += fmt::format("<path class=\"c{}\" d=\"{}\"/>\n", colour, path);
  return fmt::format(
      "<svg class=\"scatter\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
      std::lround(2 * kMargin + box.width() * scale),
      std::lround(2 * kMargin + box.height() * scale), name, dots);
}

}  // namespace coterie
