#include <filesystem>

#include "coterie/core/text.h"
#include "coterie/report/html.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

std::string source_name(const Dataset& dataset) {
  const std::filesystem::path source(dataset.source);
  const auto name = source.has_filename() ? source.filename() : source.parent_path().filename();
  return name.empty() ? dataset.source : name.native();
}

std::string form_of(const Dataset& dataset) {
  if (!dataset.has_images())
    return counted(dataset.features.cols, "feature", "features") + " a row";
  return fmt::format("{} × {} pixels, {}", dataset.shape.width, dataset.shape.height,
                     dataset.shape.channels == 3 ? "colour" : "grey");
}

std::string seconds_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace

std::string page_title(const RunSummary& summary) {
  return fmt::format("{}: {} in {}", html_escape(source_name(summary.run->dataset)),
                     summary.items(summary.size()),
                     counted(summary.run->clusters, "cluster", "clusters"));
}

std::string head_section(const RunSummary& summary) {
  const LoadedRun& run = *summary.run;
  const auto& manifest = run.manifest;
  std::string facts = fact("Form", form_of(run.dataset));
  facts += fact("Method", html_escape(json_text(manifest.value("method", nlohmann::json("?")))));
  facts += fact("K", grouped(run.clusters));
  facts += fact("Seed", html_escape(manifest.contains("seed") ? manifest.at("seed").dump() : "?"));
  if (const auto timings = manifest.find("timings");
      timings != manifest.end() && timings->contains("total"))
    facts += fact("Time", seconds_text(timings->at("total").get<double>()));
  if (manifest.contains("coterie"))
    facts += fact("coterie", html_escape(json_text(manifest.at("coterie"))));
  if (!run.dataset.bad_files.empty())
    facts += fact("Left out",
                  fmt::format("<a href=\"#left-out\">{}</a>",
                              counted(static_cast<std::int64_t>(run.dataset.bad_files.size()),
                                      "file", "files")));
  return fmt::format(
      "<p class=\"eyebrow\">{}</p>\n<h1>{} in {}</h1>\n<p class=\"source\">{}</p>\n"
      "<dl class=\"facts\">\n{}</dl>\n",
      html_escape(source_name(run.dataset)), summary.items(summary.size()),
      counted(run.clusters, "cluster", "clusters"), html_escape(run.dataset.source), facts);
}

}  // namespace coterie
