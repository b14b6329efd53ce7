#include "coterie/report/pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "coterie/core/text.h"
#include "coterie/report/base64.h"

namespace coterie {

namespace {
constexpr std::int64_t kPixelated = 64;  // smaller images show their pixels as squares
}

Pictures::Pictures(const Dataset& dataset, std::int64_t count, std::int64_t budget)
    : dataset_(dataset), size_(thumbnail_size(dataset.shape, count, budget)) {}

bool Pictures::small() const { return std::max(size_.width, size_.height) < kPixelated; }

std::string Pictures::image(std::int64_t row) const {
  const std::string path = html_escape(dataset_.paths[row]);
  const std::string png =
      encode_png(thumbnail(dataset_.training_data().image(row), dataset_.shape, size_));
  return fmt::format(
      "<img src=\"data:image/png;base64,{}\" width=\"{}\" height=\"{}\" alt=\"{}\" title=\"{}\">",
      base64(png), size_.width, size_.height, path, path);
}

std::string Pictures::item(std::int64_t row, const std::string& below) const {
  return "<li>" + image(row) + below + "</li>\n";
}

std::string Pictures::strip(const std::string& name, const std::string& items) const {
  if (items.empty()) return {};
  return fmt::format("<div><h4>{}</h4>\n<ol class=\"strip{}\">\n{}</ol></div>\n", name,
                     small() ? " pixelated" : "", items);
}

}  // namespace coterie
