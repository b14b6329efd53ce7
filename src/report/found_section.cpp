#include <algorithm>

#include "coterie/core/text.h"
#include "coterie/report/html.h"
#include "coterie/report/pictures.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

constexpr std::size_t kMostGroups = 50;
constexpr std::size_t kMostOfGroup = 8;
constexpr std::int64_t kFoundBudget = 1'500'000;

std::string section(const char* id, const char* name, const std::string& lead,
                    const std::string& body) {
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-name\">\n<h2 id=\"{0}-name\">{1}</h2>\n<p "
      "class=\"lead\">{2}</p>\n{3}</section>\n",
      id, name, lead, body);
}

std::string path_of(const RunSummary& summary, std::int64_t row) {
  return html_escape(summary.run->rows[row].path);
}

std::string kind_of(const DuplicateGroup& group) {
  return group.exact ? "equal" : fmt::format("similarity {:.4f} or more", group.least_similarity);
}

std::string group_pictures(const RunSummary& summary, const std::vector<DuplicateGroup>& groups,
                           std::size_t listed) {
  std::int64_t count = 0;
  for (std::size_t g = 0; g < listed; ++g)
    count += static_cast<std::int64_t>(std::min(groups[g].ids.size(), kMostOfGroup));
  const Pictures pictures(summary.run->dataset, count, kFoundBudget);
  std::string out = "<div class=\"strips\">\n";
  for (std::size_t g = 0; g < listed; ++g) {
    const auto& ids = groups[g].ids;
    std::string items;
    for (std::size_t i = 0; i < std::min(ids.size(), kMostOfGroup); ++i)
      items += pictures.item(
          ids[i], fmt::format("<span class=\"path\">{}</span>", path_of(summary, ids[i])));
    out +=
        pictures.strip(fmt::format("{}, {}", summary.items(static_cast<std::int64_t>(ids.size())),
                                   kind_of(groups[g])),
                       items);
  }
  return out + "</div>\n";
}

std::string group_table(const RunSummary& summary, const std::vector<DuplicateGroup>& groups,
                        std::size_t listed) {
  std::string rows;
  for (std::size_t g = 0; g < listed; ++g) {
    std::vector<std::string> names;
    for (const std::int64_t id : groups[g].ids) {
      if (names.size() == kMostOfGroup) {
        names.push_back("…");
        break;
      }
      names.push_back(path_of(summary, id));
    }
    rows +=
        fmt::format("<tr><th scope=\"row\" class=\"number\">{}</th><td>{}</td><td>{}</td></tr>\n",
                    grouped(static_cast<std::int64_t>(groups[g].ids.size())), kind_of(groups[g]),
                    join(names, ", "));
  }
  return "<table class=\"rows\">\n<thead><tr><th scope=\"col\" class=\"number\">Rows</th><th "
         "scope=\"col\">Kind</th><th scope=\"col\">Which</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string outlier_table(const RunSummary& summary, const Outliers& outliers) {
  std::string rows;
  for (const auto& outlier : outliers.first)
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{:.3f}</td>"
        "</tr>\n",
        path_of(summary, outlier.id), summary.run->rows[outlier.id].label, outlier.score);
  return "<table class=\"rows\">\n<thead><tr><th scope=\"col\">Row</th><th scope=\"col\" "
         "class=\"number\">Cluster</th><th scope=\"col\" class=\"number\">Score</th></tr></thead>\n"
         "<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string outlier_pictures(const RunSummary& summary, const Outliers& outliers) {
  const Pictures pictures(summary.run->dataset, static_cast<std::int64_t>(outliers.first.size()),
                          kFoundBudget);
  std::string items;
  for (const auto& outlier : outliers.first)
    items +=
        pictures.item(outlier.id, fmt::format("<span>{:.3f}</span><span>in {}</span>",
                                              outlier.score, summary.run->rows[outlier.id].label));
  return fmt::format("<ol class=\"strip{}\">\n{}</ol>\n", pictures.small() ? " pixelated" : "",
                     items);
}

}  // namespace

std::string duplicates_section(const RunSummary& summary,
                               const std::vector<DuplicateGroup>& groups) {
  const std::size_t listed = std::min(groups.size(), kMostGroups);
  std::int64_t held = 0;
  for (const auto& group : groups) held += static_cast<std::int64_t>(group.ids.size());
  if (groups.empty())
    return section("duplicates", "Duplicates", "No two are equal or nearly so.", "");
  std::string lead = fmt::format(
      "{} in {} are equal or nearly so; duplicates.csv names them.", summary.items(held),
      counted(static_cast<std::int64_t>(groups.size()), "group", "groups"));
  if (listed < groups.size()) lead += fmt::format(" Here are the first {} groups.", listed);
  return section("duplicates", "Duplicates", lead,
                 summary.run->dataset.has_images() ? group_pictures(summary, groups, listed)
                                                   : group_table(summary, groups, listed));
}

std::string outliers_section(const RunSummary& summary, const Outliers& outliers) {
  const auto listed = static_cast<std::int64_t>(outliers.first.size());
  if (listed == 0) return section("outliers", "Outliers", "None was found.", "");
  return section(
      "outliers", "Outliers",
      fmt::format("The {} least like those around them, the strangest first{}; below each its "
                  "score and cluster.",
                  summary.items(listed),
                  listed < outliers.count
                      ? fmt::format(" (outliers.csv lists {})", grouped(outliers.count))
                      : ""),
      summary.run->dataset.has_images() ? outlier_pictures(summary, outliers)
                                        : outlier_table(summary, outliers));
}

}  // namespace coterie
