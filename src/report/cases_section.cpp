#include <algorithm>
#include <vector>

#include "coterie/report/html.h"
#include "coterie/report/pictures.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

constexpr std::int64_t kMostClasses = 30;
constexpr std::size_t kCasesEach = 6;
constexpr std::int64_t kCasesBudget = 1'500'000;

/// Rows of one class, the surest first, at most kCasesEach of each kind.
struct Cases {
  std::vector<std::int64_t> right;      ///< of the class, in its cluster
  std::vector<std::int64_t> elsewhere;  ///< of the class, in another cluster
  std::vector<std::int64_t> taken_in;   ///< of another class, in its cluster
};

std::vector<Cases> cases_of(const RunSummary& summary) {
  const LoadedRun& run = *summary.run;
  std::vector<Cases> cases(
      static_cast<std::size_t>(std::min(summary.confusion->counts.rows(), kMostClasses)));
  const auto listed = static_cast<std::int32_t>(cases.size());
  for (std::int64_t i = 0; i < summary.size(); ++i) {
    const std::int32_t truth = run.dataset.truth[i];
    const std::int32_t match = summary.clusters[run.rows[i].label].match;
    if (truth == match) {
      if (truth < listed) cases[truth].right.push_back(i);
      continue;
    }
    if (truth < listed) cases[truth].elsewhere.push_back(i);
    if (match >= 0 && match < listed) cases[match].taken_in.push_back(i);
  }
  for (auto& of_class : cases)
    for (auto* rows : {&of_class.right, &of_class.elsewhere, &of_class.taken_in}) {
      const std::size_t kept = std::min(rows->size(), kCasesEach);
      std::partial_sort(rows->begin(), rows->begin() + static_cast<std::ptrdiff_t>(kept),
                        rows->end(), [&](auto a, auto b) {
                          const float first = run.rows[a].confidence;
                          const float second = run.rows[b].confidence;
                          return first != second ? first > second : a < b;
                        });
      rows->resize(kept);
    }
  return cases;
}

std::string case_items(const RunSummary& summary, const Pictures& pictures,
                       const std::vector<std::int64_t>& rows, bool name_class) {
  std::string out;
  for (const std::int64_t row : rows) {
    const AssignedRow& assigned = summary.run->rows[row];
    std::string below = fmt::format("<span>{:.3f}</span>", assigned.confidence);
    if (name_class)
      below += fmt::format("<span class=\"other\">{}</span>",
                           summary.class_name(summary.run->dataset.truth[row]));
    out += pictures.item(row, below);
  }
  return out;
}

std::string elsewhere_items(const RunSummary& summary, const Pictures& pictures,
                            const std::vector<std::int64_t>& rows) {
  std::string out;
  for (const std::int64_t row : rows) {
    const AssignedRow& assigned = summary.run->rows[row];
    out += pictures.item(row, fmt::format("<span>{:.3f}</span><span class=\"other\">in {}</span>",
                                          assigned.confidence, assigned.label));
  }
  return out;
}

}  // namespace

std::string cases_section(const RunSummary& summary, const CancelToken& cancel) {
  if (!summary.confusion || !summary.run->dataset.has_images()) return {};
  const auto cases = cases_of(summary);
  std::int64_t count = 0;
  for (const auto& of_class : cases)
    count += static_cast<std::int64_t>(of_class.right.size() + of_class.elsewhere.size() +
                                       of_class.taken_in.size());
  const Pictures pictures(summary.run->dataset, count, kCasesBudget);
  std::string out;
  for (std::size_t c = 0; c < cases.size(); ++c) {
    cancel.check();
    const std::int32_t cluster = summary.confusion->cluster_of(static_cast<std::int64_t>(c));
    out += fmt::format(
        "<article class=\"case\" aria-labelledby=\"case-{0}\">\n<h3 id=\"case-{0}\">{1} <span "
        "class=\"share\">{2}</span></h3>\n<div class=\"strips\">\n{3}{4}{5}</div></article>\n",
        c, summary.class_name(static_cast<std::int32_t>(c)),
        cluster < 0 ? std::string("matched to no cluster") : fmt::format("cluster {}", cluster),
        pictures.strip("Right", case_items(summary, pictures, cases[c].right, false)),
        pictures.strip("In other clusters", elsewhere_items(summary, pictures, cases[c].elsewhere)),
        pictures.strip("Of other classes", case_items(summary, pictures, cases[c].taken_in, true)));
  }
  const std::int64_t classes = summary.confusion->counts.rows();
  return fmt::format(
      "<section id=\"cases\" aria-labelledby=\"cases-name\">\n<h2 id=\"cases-name\">Success and "
      "failure</h2>\n<p class=\"lead\">Of each class the images that the method is surest of: "
      "those in the class's cluster, those that went elsewhere, and those of other classes that "
      "its cluster took in.{}</p>\n{}</section>\n",
      classes > kMostClasses
          ? fmt::format(" Here are the first {} of {} classes.", kMostClasses, grouped(classes))
          : "",
      out);
}

}  // namespace coterie
