#include <optional>

#include "coterie/core/text.h"
#include "coterie/report/html.h"
#include "coterie/report/pictures.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

constexpr std::int64_t kPictureBudget = 10'000'000;  // bytes of all pictures in base64

class Cards {
 public:
  explicit Cards(const RunSummary& summary) : summary_(summary), run_(*summary.run) {
    std::int64_t pictures = 0;
    for (const auto& cluster : summary.clusters)
      pictures += static_cast<std::int64_t>(cluster.surest.size() + cluster.least_sure.size());
    if (run_.dataset.has_images()) pictures_.emplace(run_.dataset, pictures, kPictureBudget);
  }

  std::string card(std::int64_t k) const {
    const ClusterSummary& cluster = summary_.clusters[k];
    std::string ends;
    if (cluster.size == 0) {
      ends = "<p class=\"note\">Empty: nothing was put here.</p>\n";
    } else {
      ends = end_of(cluster, cluster.least_sure.empty() ? "All, the surest first" : "Most certain",
                    cluster.surest);
      if (!cluster.least_sure.empty()) ends += end_of(cluster, "Least certain", cluster.least_sure);
    }
    return fmt::format(
        "<article class=\"cluster\" id=\"cluster-{0}\" aria-labelledby=\"cluster-{0}-name\">\n"
        "<header><h3 id=\"cluster-{0}-name\"><span class=\"swatch c{1}\"></span>Cluster {0}</h3>\n"
        "<dl class=\"facts\">\n{2}</dl></header>\n<div class=\"ends\">\n{3}</div>\n{4}</article>\n",
        k, colour_of(k), facts(cluster), ends,
        run_.dataset.has_images() ? names(cluster) : std::string());
  }

 private:
  std::string facts(const ClusterSummary& cluster) const {
    const auto share = [](std::int64_t part, std::int64_t whole) {
      return percent(whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole));
    };
    std::string out = fact(run_.dataset.has_images() ? "Images" : "Rows", grouped(cluster.size));
    out += fact("Share", share(cluster.size, summary_.size()));
    if (cluster.size > 0)
      out += fact("Mean confidence", fmt::format("{:.3f}", cluster.mean_confidence));
    if (cluster.match >= 0)
      out += fact("Matched class", fmt::format("{} <span class=\"share\">({} right)</span>",
                                               summary_.class_name(cluster.match),
                                               share(cluster.right, cluster.size)));
    return out;
  }

  std::string end_of(const ClusterSummary& cluster, const char* name,
                     const std::vector<std::int64_t>& rows) const {
    std::string body;
    for (const std::int64_t row : rows)
      body += run_.dataset.has_images() ? tile(cluster, row) : line(cluster, row);
    const char* header = summary_.scores ? "<th scope=\"col\">Class</th>" : "";
    if (!run_.dataset.has_images())
      return fmt::format(
          "<table class=\"rows\"><caption>{}</caption>\n<thead><tr><th scope=\"col\">Row</th>{}"
          "<th scope=\"col\" class=\"number\">Confidence</th></tr></thead>\n<tbody>\n{}</tbody>"
          "</table>\n",
          name, header, body);
    return fmt::format("<div><h4>{}</h4>\n<ol class=\"tiles{}\">\n{}</ol></div>\n", name,
                       pictures_->small() ? " pixelated" : "", body);
  }

  /// The ground truth of a row where it is not that of its cluster.
  std::string other_class(const ClusterSummary& cluster, std::int64_t row) const {
    if (!summary_.scores || run_.dataset.truth[row] == cluster.match) return {};
    return summary_.class_name(run_.dataset.truth[row]);
  }

  std::string tile(const ClusterSummary& cluster, std::int64_t row) const {
    const std::string other = other_class(cluster, row);
    return pictures_->item(
        row,
        fmt::format("<span>{:.3f}</span>{}", run_.rows[row].confidence,
                    other.empty()
                        ? ""
                        : fmt::format("<span class=\"other\" title=\"{0}\">{0}</span>", other)));
  }

  std::string line(const ClusterSummary& cluster, std::int64_t row) const {
    std::string truth;
    if (summary_.scores) {
      const bool right = run_.dataset.truth[row] == cluster.match;
      truth = fmt::format("<td{}>{}</td>", right ? "" : " class=\"other\"",
                          summary_.class_name(run_.dataset.truth[row]));
    }
    return fmt::format("<tr><th scope=\"row\">{}</th>{}<td class=\"number\">{:.3f}</td></tr>\n",
                       html_escape(run_.rows[row].path), truth, run_.rows[row].confidence);
  }

  /// For those who cannot hover: the keyboard, touch.
  std::string names(const ClusterSummary& cluster) const {
    if (cluster.size == 0) return {};
    std::string out = "<details><summary>Names of these images</summary>\n";
    for (const auto* rows : {&cluster.surest, &cluster.least_sure}) {
      if (rows->empty()) continue;
      out += "<ol>";
      for (const std::int64_t row : *rows)
        out += fmt::format("<li>{}</li>\n", html_escape(run_.rows[row].path));
      out += "</ol>\n";
    }
    return out + "</details>\n";
  }

  const RunSummary& summary_;
  const LoadedRun& run_;
  std::optional<Pictures> pictures_;  // of images
};

std::string introduction(const RunSummary& summary) {
  const bool images = summary.run->dataset.has_images();
  std::string out = fmt::format(
      "Clusters are numbered by size. Of each, the {} {} that the method is surest of, and the {} "
      "it "
      "is least sure of; below each its confidence, the largest of its probabilities.",
      summary.shown_each, images ? "images" : "rows", summary.shown_each);
  if (!images)
    out = fmt::format(
        "Clusters are numbered by size. Of each, the {} rows that the method is surest of, and the "
        "{} "
        "it is least sure of. Confidence is the largest of a row's probabilities.",
        summary.shown_each, summary.shown_each);
  if (summary.scores)
    out += images ? " A class is named where it is not the cluster's matched class."
                  : " Classes other than the cluster's matched class are marked.";
  const auto clusters = static_cast<std::int64_t>(summary.clusters.size());
  if (summary.shown < clusters) {
    std::int64_t rest = 0;
    for (std::int64_t k = summary.shown; k < clusters; ++k) rest += summary.clusters[k].size;
    out += fmt::format(
        " Shown are the {} largest of {} clusters; the others hold {} and are in assignments.csv.",
        grouped(summary.shown), grouped(clusters), summary.items(rest));
  } else if (clusters > 100) {
    out += fmt::format(" As there are {} clusters, each shows fewer.", grouped(clusters));
  }
  return out;
}

}  // namespace

std::string clusters_section(const RunSummary& summary, Progress& progress,
                             const CancelToken& cancel) {
  const Cards cards(summary);
  std::string out = fmt::format(
      "<section id=\"clusters\" aria-labelledby=\"clusters-name\">\n<h2 "
      "id=\"clusters-name\">Clusters"
      "</h2>\n<p class=\"lead\">{}</p>\n",
      introduction(summary));
  progress.begin("report", summary.shown);
  for (std::int64_t k = 0; k < summary.shown; ++k) {
    cancel.check();
    out += cards.card(k);
    progress.update(k + 1);
  }
  progress.end();
  return out + "</section>\n";
}

}  // namespace coterie
