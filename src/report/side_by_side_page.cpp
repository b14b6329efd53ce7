#include <algorithm>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/metrics/scores.h"
#include "coterie/report/html.h"
#include "coterie/report/page.h"
#include "coterie/report/pictures.h"
#include "coterie/report/side_by_side.h"
#include "coterie/shallow/assignment.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::size_t kMostDifferent = 200;
constexpr std::int64_t kMostSizes = 300;
constexpr std::int64_t kDifferentBudget = 4'000'000;

/// A, B, C ...; numbers behind Z.
std::string letter(std::size_t run) {
  return run < 26 ? std::string(1, static_cast<char>('A' + run)) : std::to_string(run + 1);
}

std::string counted_items(const SideBySide& sides, std::int64_t count) {
  return sides.dataset.has_images() ? counted(count, "image", "images")
                                    : counted(count, "row", "rows");
}

std::string number_cell(const std::string& value) {
  return "<td class=\"number\">" + value + "</td>";
}

std::string run_line(const SideBySide& sides, std::size_t r) {
  const SideRun& run = sides.runs[r];
  std::string line =
      fmt::format("<tr><th scope=\"row\"><strong>{}</strong> {}</th><td>{}</td>", letter(r),
                  html_escape(run.name),
                  html_escape(json_text(run.manifest.value("method", nlohmann::json("?")))));
  line += number_cell(grouped(run.clusters));
  line += number_cell(
      html_escape(run.manifest.contains("seed") ? run.manifest.at("seed").dump() : "?"));
  if (sides.dataset.has_truth()) {
    const Scores scores = score(run.labels, sides.dataset.truth, run.clusters);
    for (const double value : {scores.acc, scores.nmi, scores.ari, scores.purity})
      line += number_cell(fmt::format("{:.3f}", value));
  }
  double sum = 0;
  for (const float confidence : run.confidences) sum += confidence;
  line += number_cell(fmt::format("{:.3f}", sum / static_cast<double>(run.confidences.size())));
  const auto seconds = run.metrics.find("seconds");
  line += number_cell(seconds != run.metrics.end() && seconds->is_number()
                          ? fmt::format("{:.1f}", seconds->get<double>())
                          : "");
  return line + "</tr>\n";
}

std::string run_table(const char* name, const std::string& head, const std::string& rows) {
  return fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table "
      "class=\"rows\">\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
      name, head, rows);
}

std::string runs_section(const SideBySide& sides) {
  std::string head = "<th scope=\"col\">Run</th><th scope=\"col\">Method</th>";
  std::vector<const char*> names = {"K", "Seed"};
  if (sides.dataset.has_truth()) names.insert(names.end(), {"ACC", "NMI", "ARI", "Purity"});
  names.insert(names.end(), {"Mean confidence", "Seconds"});
  for (const char* name : names)
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", name);
  std::string rows;
  for (std::size_t r = 0; r < sides.runs.size(); ++r) rows += run_line(sides, r);
  return "<section id=\"runs\" aria-labelledby=\"runs-name\">\n<h2 id=\"runs-name\">Runs</h2>\n" +
         run_table("Runs", head, rows) + "</section>\n";
}

/// The sizes of a run's clusters as columns, in the colours of the first run's that match them.
std::string size_columns(const SideRun& run, std::size_t r) {
  const std::vector<std::int64_t> sizes = cluster_sizes(run.labels, run.clusters);
  const std::int64_t drawn = std::min(run.clusters, kMostSizes);
  const std::int64_t largest = std::max<std::int64_t>(1, std::ranges::max(sizes));
  const double step = 360.0 / static_cast<double>(drawn);
  std::string marks;
  for (std::int64_t k = 0; k < drawn; ++k) {
    const double height = 120.0 * static_cast<double>(sizes[k]) / static_cast<double>(largest);
    marks += fmt::format(
        "<rect class=\"c{}\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"><title>"
        "Cluster {}: {}</title></rect>\n",
        colour_of(run.match_of[k]), static_cast<double>(k) * step, 120 - height, 0.85 * step,
        height, k, grouped(sizes[k]));
  }
  return fmt::format(
      "<figure class=\"chart\"><figcaption>{0} <span class=\"share\">{1}, largest {2}, smallest "
      "{3}{4}</span></figcaption>\n<svg viewBox=\"0 0 360 122\" role=\"img\" aria-label=\"Sizes "
      "of the clusters of run {0}, from {2} down to {3}\">\n{5}</svg></figure>\n",
      letter(r), counted(run.clusters, "cluster", "clusters"), grouped(largest),
      grouped(std::ranges::min(sizes)),
      drawn < run.clusters ? fmt::format("; the first {} are drawn", drawn) : "", marks);
}

std::string sizes_section(const SideBySide& sides) {
  std::string charts;
  for (std::size_t r = 0; r < sides.runs.size(); ++r) charts += size_columns(sides.runs[r], r);
  return "<section id=\"sizes\" aria-labelledby=\"sizes-name\">\n<h2 id=\"sizes-name\">Sizes</h2>"
         "\n<p class=\"lead\">Clusters of one colour are matched: those of A and of the other run "
         "that have most in common, one to one.</p>\n<div class=\"charts\">\n" +
         charts + "</div>\n</section>\n";
}

std::string agreement(const char* name, const char* meaning, const Matrix<double>& values) {
  std::string head = "<th scope=\"col\"><span class=\"unseen\">Run</span></th>";
  std::string rows;
  for (std::int64_t a = 0; a < values.rows(); ++a) {
    head += fmt::format("<th scope=\"col\">{}</th>", letter(a));
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", letter(a));
    for (std::int64_t b = 0; b < values.cols(); ++b)
      rows += fmt::format("<td class=\"h{}\">{:.3f}</td>",
                          std::clamp(static_cast<int>(9 * values(a, b)), 0, 9), values(a, b));
    rows += "</tr>\n";
  }
  return fmt::format(
      "<div><h3>{0} <span class=\"share\">{1}</span></h3>\n<div class=\"scroll\" role=\"region\" "
      "tabindex=\"0\" aria-label=\"{0}\"><table class=\"confusion\">\n<thead><tr>{2}</tr></thead>"
      "\n<tbody>\n{3}</tbody></table></div></div>\n",
      name, meaning, head, rows);
}

std::string agreement_section(const SideBySide& sides) {
  return "<section id=\"agreement\" aria-labelledby=\"agreement-name\">\n<h2 "
         "id=\"agreement-name\">Agreement</h2>\n<div class=\"groups\">\n" +
         agreement("NMI", "mutual information", sides.nmi) +
         agreement("ARI", "pairs treated alike, less chance", sides.ari) +
         agreement("Same", "in matched clusters", sides.same) + "</div>\n</section>\n";
}

/// Where each run puts a row: its own number, in the colour of the match.
std::string places(const SideBySide& sides, std::int64_t row) {
  std::string out;
  for (std::size_t r = 0; r < sides.runs.size(); ++r)
    out += fmt::format("<span><span class=\"swatch c{}\"></span>{} {}</span>",
                       colour_of(sides.runs[r].matched[row]), letter(r), sides.runs[r].labels[row]);
  return out;
}

std::string different_pictures(const SideBySide& sides, std::size_t listed,
                               const CancelToken& cancel) {
  const Pictures pictures(sides.dataset, static_cast<std::int64_t>(listed), kDifferentBudget);
  std::string out;
  for (std::size_t d = 0; d < listed; ++d) {
    cancel.check();
    out += pictures.item(sides.differ[d], places(sides, sides.differ[d]));
  }
  return fmt::format("<ol class=\"strip{}\">\n{}</ol>\n", pictures.small() ? " pixelated" : "",
                     out);
}

std::string different_table(const SideBySide& sides, std::size_t listed) {
  std::string head = "<th scope=\"col\">Row</th>";
  for (std::size_t r = 0; r < sides.runs.size(); ++r)
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", letter(r));
  std::string rows;
  for (std::size_t d = 0; d < listed; ++d) {
    const std::int64_t row = sides.differ[d];
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", html_escape(sides.dataset.paths[row]));
    for (const auto& run : sides.runs)
      rows += number_cell(fmt::format("<span class=\"swatch c{}\"></span>{}",
                                      colour_of(run.matched[row]), run.labels[row]));
    rows += "</tr>\n";
  }
  return run_table("Rows on which the runs differ", head, rows);
}

std::string differences_section(const SideBySide& sides, const CancelToken& cancel) {
  const std::size_t listed = std::min(sides.differ.size(), kMostDifferent);
  std::string lead;
  std::string body;
  if (sides.differ.empty()) {
    lead = "None: after matching, the runs put everything into the same clusters.";
  } else {
    lead = fmt::format(
        "The runs differ on {} of {}. Below each is its cluster in every run, by the run's own "
        "numbers, in the colour of the matched cluster; those that the runs together are surest of "
        "come first.",
        counted_items(sides, static_cast<std::int64_t>(sides.differ.size())),
        grouped(sides.dataset.size()));
    if (listed < sides.differ.size()) lead += fmt::format(" Here are the first {}.", listed);
    body = sides.dataset.has_images() ? different_pictures(sides, listed, cancel)
                                      : different_table(sides, listed);
  }
  return "<section id=\"differences\" aria-labelledby=\"differences-name\">\n<h2 "
         "id=\"differences-name\">Differences</h2>\n<p class=\"lead\">" +
         lead + "</p>\n" + body + "</section>\n";
}

std::string head_of(const SideBySide& sides, const std::string& title) {
  return fmt::format(
      "<p class=\"eyebrow\">comparison</p>\n<h1>{}</h1>\n<p class=\"source\">{}</p>\n", title,
      html_escape(sides.dataset.source));
}

}  // namespace

fs::path write_side_by_side(const SideBySide& sides, const fs::path& folder,
                            const CancelToken& cancel) {
  create_folder(folder);
  const fs::path path = folder / "index.html";
  if (path_exists(path) && read_file(path).find(kPageMark) == std::string::npos)
    throw UserError("{} is no page that coterie wrote, so it is left alone; choose another --out",
                    printable(path.native()));
  const std::string title =
      fmt::format("{} runs on {}", sides.runs.size(), counted_items(sides, sides.dataset.size()));
  const std::string page =
      fill_page({.title = title,
                 .head = head_of(sides, title),
                 .sections = runs_section(sides) + sizes_section(sides) + agreement_section(sides) +
                             differences_section(sides, cancel)});
  cancel.check();
  write_file(path, page);
  return path;
}

}  // namespace coterie
