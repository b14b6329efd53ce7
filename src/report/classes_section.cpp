#include <algorithm>
#include <numeric>

#include "coterie/report/html.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string cluster_link(const RunSummary& summary, std::int32_t cluster) {
  if (cluster < 0) return "none";
  const std::string name =
      fmt::format("<span class=\"swatch c{}\"></span>{}", colour_of(cluster), cluster);
  return cluster < summary.shown ? fmt::format("<a href=\"#cluster-{}\">{}</a>", cluster, name)
                                 : name;
}

/// The cluster, other than its own, that took most of a class: "3 (12.0 %)".
std::string most_lost_to(const RunSummary& summary, std::int64_t c, std::int64_t size) {
  const auto& counts = summary.confusion->counts;
  std::int64_t worst = -1;
  for (std::int64_t k = 0; k < counts.cols(); ++k)
    if (k != summary.confusion->columns[c] && counts(c, k) > 0 &&
        (worst < 0 || counts(c, k) > counts(c, worst)))
      worst = k;
  if (worst < 0) return {};
  return fmt::format("{} <span class=\"share\">({})</span>",
                     cluster_link(summary, summary.confusion->clusters[worst]),
                     percent(ratio(counts(c, worst), size)));
}

std::string class_line(const RunSummary& summary, std::int64_t c) {
  const auto& counts = summary.confusion->counts;
  const std::int64_t size =
      std::accumulate(counts.row(c), counts.row(c) + counts.cols(), std::int64_t{0});
  const std::int32_t cluster = summary.confusion->cluster_of(c);
  const std::int64_t right = summary.confusion->right(c);
  const std::int64_t held = cluster < 0 ? 0 : summary.clusters[cluster].size;
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td>"
      "<td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{:.3f}</td>"
      "<td>{}</td></tr>\n",
      summary.class_name(static_cast<std::int32_t>(c)), cluster_link(summary, cluster),
      grouped(size), percent(ratio(right, size)), percent(ratio(right, held)),
      // F1: the harmonic mean of the two shares before it.
      ratio(2 * right, size + held), most_lost_to(summary, c, size));
}

}  // namespace

std::string classes_section(const RunSummary& summary) {
  if (!summary.confusion) return {};
  std::string rows;
  const std::int64_t classes = summary.confusion->counts.rows();
  const std::int64_t listed = std::min<std::int64_t>(classes, 1000);
  for (std::int64_t c = 0; c < listed; ++c) rows += class_line(summary, c);
  std::string head;
  for (const char* name : {"Class", "Cluster"})
    head += fmt::format("<th scope=\"col\">{}</th>", name);
  for (const char* name : {"Size", "Of it in the cluster", "Of the cluster", "F1"})
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", name);
  head += "<th scope=\"col\">Most of the rest in</th>";
  return fmt::format(
      "<section id=\"classes\" aria-labelledby=\"classes-name\">\n<h2 id=\"classes-name\">Classes"
      "</h2>\n<p class=\"lead\">Each class with the cluster that the best matching gives it: the "
      "share of the class that is in that cluster (recall), the share of the cluster that is of "
      "the class (precision), and F1 of both.{}</p>\n<div class=\"scroll\" role=\"region\" "
      "tabindex=\"0\" aria-label=\"Classes\"><table class=\"rows\">\n<thead><tr>{}</tr></thead>\n"
      "<tbody>\n{}</tbody></table></div>\n</section>\n",
      listed < classes ? fmt::format(" Here are the first {} of {}.", grouped(listed),
                                     counted(classes, "class", "classes"))
                       : "",
      head, rows);
}

}  // namespace coterie
