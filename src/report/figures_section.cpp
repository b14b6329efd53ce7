#include "coterie/report/html.h"
#include "coterie/report/sections.h"
#include "coterie/report/size_chart.h"

namespace coterie {
namespace {

std::string score_tile(const char* name, double value, const char* meaning) {
  return fmt::format(
      "<div class=\"score\"><dt>{}</dt><dd><strong>{:.3f}</strong><span>{}</span></dd></div>\n",
      name, value, meaning);
}

std::string scores(const RunSummary& summary) {
  if (!summary.scores)
    return "<div><h3>Scores</h3>\n<p>No ground truth was given, so there is nothing to score "
           "against. Look at the sizes and at the clusters themselves.</p></div>\n";
  const Scores& found = *summary.scores;
  return fmt::format(
      "<div><h3>Scores</h3>\n<dl class=\"scores\">\n{}{}{}{}</dl>\n<p class=\"note\">Against the "
      "ground truth of {}, which serves for scoring only: the method never saw it.</p></div>\n",
      score_tile("ACC", found.acc, "right under the best matching of clusters and classes"),
      score_tile("NMI", found.nmi, "mutual information, arithmetic mean"),
      score_tile("ARI", found.ari, "pairs treated alike, less chance"),
      score_tile("Purity", found.purity, "in the largest class of their cluster"),
      counted(summary.confusion->counts.rows(), "class", "classes"));
}

}  // namespace

std::string figures_section(const RunSummary& summary) {
  return fmt::format(
      "<section id=\"figures\" aria-labelledby=\"figures-name\">\n<h2 id=\"figures-name\">Figures"
      "</h2>\n<div class=\"figures\">\n{}<div>{}</div>\n</div>\n</section>\n",
      scores(summary), size_chart(summary));
}

}  // namespace coterie
