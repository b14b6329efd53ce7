#include "coterie/report/page.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "coterie/core/sha256.h"
#include "coterie/core/version.h"
#include "coterie/report/base64.h"
#include "coterie/report/embedded.h"
#include "coterie/report/html.h"

namespace coterie {
namespace {

/// The source expression that lets this very style sheet or script through the content security
/// policy.
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
  constexpr std::array<std::pair<const char*, const char*>, 18> kSections = {
      {{"figures", "Figures"},
       {"cluster-count", "Number"},
       {"map", "Map"},
       {"clusters", "Clusters"},
       {"confusion", "Confusion"},
       {"classes", "Classes"},
       {"cases", "Cases"},
       {"neighbours", "Neighbours"},
       {"training", "Training"},
       {"snapshots", "Epochs"},
       {"duplicates", "Duplicates"},
       {"outliers", "Outliers"},
       {"left-out", "Left out"},
       {"settings", "Settings"},
       {"runs", "Runs"},
       {"sizes", "Sizes"},
       {"agreement", "Agreement"},
       {"differences", "Differences"}}};
  std::string out;
  for (const auto& [id, name] : kSections)
    if (sections.find(fmt::format("<section id=\"{}\"", id)) != std::string::npos)
      out += fmt::format("<a href=\"#{}\">{}</a>\n", id, name);
  return out;
}

}  // namespace

std::string fill_page(const PageContent& content) {
  std::string style(embedded::colours_css());
  style += embedded::page_css();
  std::string script;
  // Nothing is to be run or loaded where there is nothing to search.
  std::string policy = "img-src data:";
  if (content.interactive) {
    style += embedded::report_css();
    script = embedded::report_js();
    policy = fmt::format("img-src data: file: 'self'; script-src '{}'", policy_hash(script));
    script = "<script>" + script + "</script>\n";
  }
  return fill_slots(embedded::page_html(), {{"title", content.title},
                                            {"policy", policy},
                                            {"style", style},
                                            {"style_hash", policy_hash(style)},
                                            {"navigation", navigation(content.sections)},
                                            {"head", content.head},
                                            {"sections", content.sections},
                                            {"script", script},
                                            {"version", kVersion}});
}

}  // namespace coterie
