#include "coterie/report/report.h"

#include <array>
#include <charconv>

#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/core/version.h"
#include "coterie/report/base64.h"
#include "coterie/report/embedded.h"
#include "coterie/report/html.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

/// The source expression that lets this very style sheet through the content security policy.
std::string policy_hash(std::string_view content) {
  const std::string hex = sha256_hex(content);
  std::string digest;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    digest += static_cast<char>(value);
  }
  return "sha256-" + base64(digest);
}

std::string navigation(const std::string& sections) {
  constexpr std::array<std::pair<const char*, const char*>, 7> kSections = {
      {{"figures", "Figures"},
       {"cluster-count", "Number of clusters"},
       {"clusters", "Clusters"},
       {"confusion", "Confusion"},
       {"training", "Training"},
       {"left-out", "Left out"},
       {"settings", "Settings"}}};
  std::string out;
  for (const auto& [id, name] : kSections)
    if (sections.find(fmt::format("<section id=\"{}\"", id)) != std::string::npos)
      out += fmt::format("<a href=\"#{}\">{}</a>\n", id, name);
  return out;
}

}  // namespace

std::filesystem::path write_report(const LoadedRun& run, Progress& progress,
                                   const CancelToken& cancel) {
  const RunSummary summary = summarize(run, cancel);
  const auto statistics = run.metrics.value("statistics", nlohmann::json::object());
  const std::string sections = figures_section(summary) + cluster_count_section(statistics) +
                               clusters_section(summary, progress, cancel) +
                               confusion_section(summary) +
                               training_section(run.folder.read_history(), statistics) +
                               left_out_section(run.dataset.bad_files) + settings_section(summary);
  const std::string style(embedded::page_css());
  const std::string page = fill_slots(embedded::page_html(), {{"title", page_title(summary)},
                                                              {"style", style},
                                                              {"style_hash", policy_hash(style)},
                                                              {"navigation", navigation(sections)},
                                                              {"head", head_section(summary)},
                                                              {"sections", sections},
                                                              {"version", kVersion}});
  cancel.check();
  const std::filesystem::path path = run.folder.report();
  create_folder(path.parent_path());
  write_file(path, page);
  return path;
}

}  // namespace coterie
