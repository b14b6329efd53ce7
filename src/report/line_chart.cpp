#include "coterie/report/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "coterie/report/html.h"

namespace coterie {
namespace {

constexpr double kLeft = 52;
constexpr double kRight = 350;
constexpr double kTop = 10;
constexpr double kBottom = 150;

/// Bounds and step of an axis with two to seven round numbers on it that covers [low, high].
struct Axis {
  Axis(double low, double high) {
    // What differs in the last digits alone is level: steps so small would be lost in the sums.
    const double size = std::max({std::abs(low), std::abs(high), 1e-9});
    const double span = high - low > 1e-9 * size ? high - low : size;
    const double raw = span / 4;
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    const double ratio = raw / power;
    step = power * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
    begin = std::floor(low / step + 1e-9) * step;
    end = std::ceil(high / step - 1e-9) * step;
    if (end <= begin) end = begin + step;
    steps = static_cast<int>(std::lround((end - begin) / step));
  }
  double begin, end, step;
  int steps;
};

std::string axis_text(double value, double step) {
  const double magnitude = std::max(std::abs(value), step);
  if (magnitude >= 1e6 || step < 1e-5) return fmt::format("{:.3g}", value);
  if (step >= 1) return grouped(std::llround(value));
  const auto digits = static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  return fmt::format("{:.{}f}", value, digits);
}

}  // namespace

std::string line_chart(std::string_view name, std::string_view x_name,
                       const std::vector<std::pair<double, double>>& points) {
  const auto by_y = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto [lowest, highest] = std::minmax_element(points.begin(), points.end(), by_y);
  const Axis axis(lowest->second, highest->second);
  const double x_begin = points.front().first;
  const double x_span = std::max(points.back().first - x_begin, 1e-9);
  const auto x_of = [&](double x) { return kLeft + (kRight - kLeft) * (x - x_begin) / x_span; };
  const auto y_of = [&](double y) {
    return kBottom - (kBottom - kTop) * (y - axis.begin) / (axis.end - axis.begin);
  };

  std::string marks;
  for (int i = 0; i <= axis.steps; ++i) {
    const double y = axis.begin + i * axis.step;
    marks += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text x=\"{3}\" "
        "y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        kLeft, kRight, y_of(y), kLeft - 6, y_of(y) + 4, axis_text(y, axis.step));
  }
  marks += fmt::format("<text x=\"{}\" y=\"168\">{}</text>\n", kLeft, short_number(x_begin));
  marks += fmt::format("<text x=\"{}\" y=\"168\" text-anchor=\"middle\">{}</text>\n",
                       (kLeft + kRight) / 2, x_name);
  if (points.size() > 1)
    marks += fmt::format("<text x=\"{}\" y=\"168\" text-anchor=\"end\">{}</text>\n", kRight,
                         short_number(points.back().first));
  std::string line;
  for (const auto& [x, y] : points) line += fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
  return fmt::format(
      "<figure class=\"chart\"><figcaption>{0} <span class=\"share\">{1}</span></figcaption>\n"
      "<svg viewBox=\"0 0 360 176\" role=\"img\" aria-label=\"{0}: from {2} in {9} {3} to {1} in "
      "{9} "
      "{4}, lowest {5}, highest {6}\">\n{7}<polyline points=\"{8}\"/><circle cx=\"{10:.1f}\" "
      "cy=\"{11:.1f}\" r=\"3\"/></svg></figure>\n",
      name, short_number(points.back().second), short_number(points.front().second),
      short_number(x_begin), short_number(points.back().first), short_number(lowest->second),
      short_number(highest->second), marks, line, x_name, x_of(points.back().first),
      y_of(points.back().second));
}

}  // namespace coterie
