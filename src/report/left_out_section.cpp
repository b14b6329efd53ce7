#include <algorithm>

#include "coterie/core/text.h"
#include "coterie/report/html.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

constexpr std::size_t kMostListed = 200;

std::string bad_files_table(const std::vector<BadFile>& files, std::size_t listed) {
  std::string rows;
  for (std::size_t i = 0; i < listed; ++i)
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                        html_escape(files[i].path), html_escape(files[i].cause));
  return "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Files left out\">"
         "<table class=\"rows\">\n<thead><tr><th scope=\"col\">File</th><th "
         "scope=\"col\">Cause</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table></div>\n";
}

}  // namespace

std::string left_out_section(const std::vector<BadFile>& files,
                             const std::vector<std::string>& notes) {
  const std::size_t listed = std::min(files.size(), kMostListed);
  std::string lines;
  if (files.empty()) {
    lines = "<li>No file: every input was used.</li>\n";
  } else {
    lines = fmt::format(
        "<li>{} could not be used{}</li>\n",
        counted(static_cast<std::int64_t>(files.size()), "file", "files"),
        listed < files.size()
            ? fmt::format("; here are the first {}. bad_files.csv has them all.", listed)
            : ". bad_files.csv has the same list.");
  }
  for (const auto& note : notes) lines += "<li>" + note + "</li>\n";
  return "<section id=\"left-out\" aria-labelledby=\"left-out-name\">\n<h2 id=\"left-out-name\">"
         "Left out</h2>\n<ul class=\"plain\">\n" +
         lines + "</ul>\n" + (listed > 0 ? bad_files_table(files, listed) : std::string()) +
         "</section>\n";
}

}  // namespace coterie
