#include <cmath>

#include "coterie/core/text.h"
#include "coterie/report/html.h"
#include "coterie/report/scatter_picture.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

constexpr std::int64_t kMapDots = 8000;  // of the picture for paper

/// Figures of the layout, those that map.json has.
std::string layout_facts(const MapLayout& map) {
  std::string out;
  for (const auto& [key, name] : {std::pair("perplexity", "Perplexity"),
                                  {"iterations", "Iterations"},
                                  {"kl", "KL divergence"},
                                  {"placed", "Placed afterwards"},
                                  {"seconds", "Seconds"}})
    if (const auto found = map.about.find(key); found != map.about.end() && found->is_number())
      out += fact(name, html_escape(json_text(*found)));
  return out.empty() ? out : "<dl class=\"facts\">\n" + out + "</dl>\n";
}

std::string paper_picture(const RunSummary& summary, const MapLayout& map) {
  std::vector<int> colours;
  colours.reserve(summary.run->rows.size());
  for (const auto& row : summary.run->rows) colours.push_back(colour_of(row.label));
  return scatter_picture(
      map.positions, colours, kMapDots,
      fmt::format("Map of {} in {}, coloured by cluster", summary.items(summary.size()),
                  counted(summary.run->clusters, "cluster", "clusters")));
}

}  // namespace

std::string map_section(const RunSummary& summary, const MapLayout& map,
                        const std::string& payload) {
  const char* item = summary.run->dataset.has_images() ? "image" : "row";
  return fmt::format(
      "<section id=\"map\" aria-labelledby=\"map-name\">\n<h2 id=\"map-name\">Map</h2>\n"
      "<p class=\"lead\">Each dot is one {0}. Neighbours on the map are {0}s that the method finds "
      "alike; the sizes of groups and the gaps between them say little (t-SNE).</p>\n{1}"
      "<div id=\"map-view\">\n<div class=\"map-paper\">{2}</div>\n"
      "<noscript><p class=\"note\">With JavaScript the map can be searched: the {0} under the "
      "pointer, groups drawn around, other colours.</p></noscript>\n</div>\n"
      "<script type=\"application/json\" id=\"map-data\">{3}</script>\n</section>\n",
      item, layout_facts(map), paper_picture(summary, map), payload);
}

}  // namespace coterie
