#include <algorithm>
#include <numeric>

#include "coterie/report/html.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

constexpr std::int64_t kMostCells = 40'000;
constexpr std::int64_t kWideColumns = 13;  // as many fit beside a name in comfort

/// 0 for none, 1 (a trace) to 9 (nearly all of the class).
int shade(std::int64_t count, std::int64_t total) {
  return count == 0 ? 0 : 1 + static_cast<int>(8 * count / total);
}

std::string column_headers(const RunSummary& summary) {
  std::string out;
  for (const std::int32_t cluster : summary.confusion->clusters) {
    if (cluster < summary.shown)
      out += fmt::format("<th scope=\"col\"><a href=\"#cluster-{0}\">{0}</a></th>", cluster);
    else
      out += fmt::format("<th scope=\"col\">{}</th>", cluster);
  }
  return out;
}

std::string class_row(const RunSummary& summary, std::int64_t c) {
  const Confusion& confusion = *summary.confusion;
  const auto& counts = confusion.counts;
  const std::int64_t total =
      std::accumulate(counts.row(c), counts.row(c) + counts.cols(), std::int64_t{0});
  std::string out = fmt::format("<tr><th scope=\"row\">{}</th>",
                                summary.class_name(static_cast<std::int32_t>(c)));
  for (std::int64_t k = 0; k < counts.cols(); ++k)
    out += fmt::format("<td class=\"h{}{}\">{}</td>", shade(counts(c, k), total),
                       k == confusion.columns[c] ? " right" : "", grouped(counts(c, k)));
  const double right =
      total == 0 ? 0 : static_cast<double>(confusion.right(c)) / static_cast<double>(total);
  return out + fmt::format("<td class=\"sum\">{}</td><td class=\"sum\">{}</td></tr>\n",
                           grouped(total), percent(right));
}

std::string table(const RunSummary& summary) {
  std::string rows;
  for (std::int64_t c = 0; c < summary.confusion->counts.rows(); ++c) rows += class_row(summary, c);
  return fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Confusion matrix\">\n"
      "<table class=\"confusion{}\">\n<thead><tr><th scope=\"col\">Class \\ Cluster</th>{}"
      "<th scope=\"col\" class=\"sum\">All</th><th scope=\"col\" class=\"sum\">Right</th></tr>"
      "</thead>\n<tbody>\n{}</tbody></table></div>\n",
      summary.confusion->counts.cols() > kWideColumns ? " dense" : "", column_headers(summary),
      rows);
}

}  // namespace

std::string confusion_section(const RunSummary& summary) {
  if (!summary.confusion) return {};
  const auto& counts = summary.confusion->counts;
  const std::string body =
      counts.size() > kMostCells
          ? fmt::format(
                "<p>A table of {} by {} is too large for this page; `coterie evaluate --json` "
                "prints it.</p>\n",
                counted(counts.rows(), "class", "classes"),
                counted(counts.cols(), "cluster", "clusters"))
          : table(summary);
  return "<section id=\"confusion\" aria-labelledby=\"confusion-name\">\n<h2 id=\"confusion-name\">"
         "Confusion</h2>\n<p class=\"lead\">Where the members of each class went. Columns stand in "
         "the "
         "order of the best matching; what ACC counts as right is outlined. The shade is the share "
         "of the class.</p>\n" +
         body + "</section>\n";
}

}  // namespace coterie
