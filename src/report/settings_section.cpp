#include "coterie/core/text.h"
#include "coterie/report/html.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

/// Figures of the training; lists and objects have a place of their own.
std::string outcome(const nlohmann::json& statistics) {
  std::string out;
  for (const auto& [key, value] : statistics.items())
    if (value.is_primitive() && key != "chosen_restart")
      out += fact(html_escape(words(key)), html_escape(json_text(value)));
  return out;
}

/// Under the names that --set takes.
std::string parameters(const nlohmann::json& values) {
  std::string out;
  for (const auto& [key, value] : values.items())
    out += fact(html_escape(key), html_escape(json_text(value)));
  return out;
}

std::string group(const char* name, const std::string& facts) {
  if (facts.empty()) return {};
  return fmt::format("<div><h3>{}</h3>\n<dl class=\"settings\">\n{}</dl></div>\n", name, facts);
}

std::string times(const nlohmann::json& manifest) {
  const auto timings = manifest.find("timings");
  if (timings == manifest.end()) return {};
  std::string out;
  for (const char* key : {"load", "fit", "write", "total"})
    if (const auto found = timings->find(key); found != timings->end() && found->is_number())
      out += fact(key, fmt::format("{:.2f} s", found->get<double>()));
  return out;
}

std::string machine(const LoadedRun& run) {
  std::string out;
  for (const char* key : {"device", "threads"})
    if (run.manifest.contains(key)) out += fact(key, html_escape(json_text(run.manifest.at(key))));
  if (run.manifest.contains("coterie"))
    out += fact("coterie", html_escape(json_text(run.manifest.at("coterie"))));
  return out;
}

}  // namespace

std::string settings_section(const RunSummary& summary) {
  const LoadedRun& run = *summary.run;
  const auto& manifest = run.manifest;
  std::string out =
      "<section id=\"settings\" aria-labelledby=\"settings-name\">\n<h2 id=\"settings-name\">"
      "Settings</h2>\n";
  if (const std::string command = stored_path(manifest, "command"); !command.empty())
    out +=
        fmt::format("<pre tabindex=\"0\" aria-label=\"Command\"><code>{}</code></pre>\n", command);
  out += "<div class=\"groups\">\n";
  out += group("Parameters", parameters(manifest.value("parameters", nlohmann::json::object())));
  out += group("Outcome", outcome(run.metrics.value("statistics", nlohmann::json::object())));
  out += group("Time", times(manifest));
  out += group("Machine", machine(run));
  out += "</div>\n";
  if (!run.dataset.fingerprint.empty())
    out += fmt::format("<p class=\"note\">Fingerprint of the data: <code>{}</code></p>\n",
                       html_escape(run.dataset.fingerprint));
  return out + "</section>\n";
}

}  // namespace coterie
