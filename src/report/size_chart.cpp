#include "coterie/report/size_chart.h"

#include <algorithm>
#include <cmath>

#include "coterie/report/html.h"

namespace coterie {
namespace {

constexpr std::size_t kMostLines = 30;
constexpr std::size_t kMostColumns = 300;

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Items of a cluster where all are of one size.
double even_share(const RunSummary& summary) {
  return share(summary.size(), static_cast<std::int64_t>(summary.clusters.size()));
}

std::string lines(const RunSummary& summary) {
  const double even = 100 * even_share(summary) / static_cast<double>(summary.largest());
  std::string out = "<ol class=\"bars\" start=\"0\">\n";
  for (std::size_t k = 0; k < summary.clusters.size(); ++k) {
    const std::int64_t size = summary.clusters[k].size;
    out += fmt::format(
        "<li><a href=\"#cluster-{0}\"><span class=\"unseen\">Cluster </span>{0}</a>"
        "<svg class=\"bar\" aria-hidden=\"true\"><rect class=\"c{1}\" width=\"{2:.2f}%\" "
        "height=\"100%\" rx=\"2\"/><line class=\"even\" x1=\"{3:.2f}%\" x2=\"{3:.2f}%\" "
        "y1=\"-20%\" y2=\"120%\"/></svg><span>{4}</span><span class=\"share\">{5}</span></li>\n",
        k, colour_of(k), 100 * share(size, summary.largest()), even, grouped(size),
        percent(share(size, summary.size())));
  }
  return out + "</ol>\n";
}

std::string columns(const RunSummary& summary) {
  constexpr double kWidth = 1000;
  constexpr double kHeight = 180;
  const double step = kWidth / static_cast<double>(summary.clusters.size());
  const auto top = [&](std::int64_t size) {
    return kHeight * (1 - share(size, summary.largest()));
  };
  std::string marks;
  if (summary.clusters.size() <= kMostColumns) {
    for (std::size_t k = 0; k < summary.clusters.size(); ++k) {
      const std::int64_t size = summary.clusters[k].size;
      marks += fmt::format(
          "<a href=\"#cluster-{0}\"><title>Cluster {0}: {1}, {2}</title><rect class=\"c{3}\" "
          "x=\"{4:.2f}\" y=\"{5:.2f}\" width=\"{6:.2f}\" height=\"{7:.2f}\"/></a>\n",
          k, summary.items(size), percent(share(size, summary.size())), colour_of(k),
          static_cast<double>(k) * step, top(size), 0.8 * step, kHeight - top(size));
    }
  } else {
    marks = fmt::format("<path class=\"c0\" d=\"M0 {}", kHeight);
    for (std::size_t k = 0; k < summary.clusters.size(); ++k)
      marks += fmt::format("V{:.1f}H{:.2f}", top(summary.clusters[k].size),
                           static_cast<double>(k + 1) * step);
    marks += fmt::format("V{}Z\"/>", kHeight);
  }
  const double even = kHeight * (1 - even_share(summary) / static_cast<double>(summary.largest()));
  return fmt::format(
      "<svg class=\"columns\" viewBox=\"0 -4 1000 190\" role=\"group\" aria-label=\"Sizes of all "
      "{0} clusters, from {1} down to {2}\">\n{3}<line class=\"even\" x1=\"0\" x2=\"1000\" "
      "y1=\"{4:.2f}\" y2=\"{4:.2f}\"/></svg>\n",
      summary.clusters.size(), grouped(summary.largest()), grouped(summary.smallest()), marks,
      even);
}

}  // namespace

std::string size_chart(const RunSummary& summary) {
  const auto& clusters = summary.clusters;
  const auto empty = std::count_if(clusters.begin(), clusters.end(),
                                   [](const auto& cluster) { return cluster.size == 0; });
  std::string note = fmt::format("Largest {}, smallest {}", grouped(summary.largest()),
                                 grouped(summary.smallest()));
  if (empty > 0)
    note +=
        fmt::format("; <strong>{} empty</strong>", counted(empty, "cluster is", "clusters are"));
  return fmt::format(
      "<h3>Cluster sizes</h3>\n{}<p class=\"note\">{}. The dashed line is an even share, "
      "{}.</p>\n",
      clusters.size() <= kMostLines ? lines(summary) : columns(summary), note,
      grouped(std::llround(even_share(summary))));
}

}  // namespace coterie
