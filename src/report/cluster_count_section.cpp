#include <utility>
#include <vector>

#include "coterie/report/html.h"
#include "coterie/report/line_chart.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

/// What each figure of the curve says, in the order in which they stand on the page.
constexpr std::pair<const char*, const char*> kMeanings[] = {
    {"silhouette", "how far apart the clusters lie"},
    {"stability", "how alike clusterings of different samples are"},
    {"gap", "how much tighter than data without clusters"},
    {"eigengap", "step to the next eigenvalue of the graph"}};

}  // namespace

std::string cluster_count_section(const nlohmann::json& statistics) {
  if (!statistics.is_object() || !statistics.contains("cluster_count")) return {};
  const auto& found = statistics.at("cluster_count");
  std::string charts;
  for (const auto& [key, meaning] : kMeanings) {
    std::vector<std::pair<double, double>> points;
    for (const auto& entry : found.value("curve", nlohmann::json::array()))
      if (entry.contains(key) && entry.at(key).is_number())
        points.emplace_back(entry.at("k").get<double>(), entry.at(key).get<double>());
    if (!points.empty())
      charts += line_chart(fmt::format("{}: {}", key, meaning), "clusters", points);
  }
  if (!charts.empty()) charts = fmt::format("<div class=\"charts\">\n{}</div>\n", charts);
  return fmt::format(
      "<section id=\"cluster-count\" aria-labelledby=\"cluster-count-name\">\n<h2 "
      "id=\"cluster-count-name\">Number of clusters</h2>\n<p>{}.</p>\n{}</section>\n",
      html_escape(found.value("reason", std::string())), charts);
}

}  // namespace coterie
