#include <algorithm>

#include "coterie/core/text.h"
#include "coterie/report/html.h"
#include "coterie/report/sections.h"

namespace coterie {

std::string left_out_section(const std::vector<BadFile>& files) {
  if (files.empty()) return {};
  constexpr std::size_t kMostListed = 200;
  const std::size_t listed = std::min(files.size(), kMostListed);
  std::string rows;
  for (std::size_t i = 0; i < listed; ++i)
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                        html_escape(files[i].path), html_escape(files[i].cause));
  const auto count = static_cast<std::int64_t>(files.size());
  std::string lead = counted(count, "file", "files") + " could not be used";
  lead += listed < files.size()
              ? fmt::format("; here are the first {}. bad_files.csv has them all.", listed)
              : ". bad_files.csv has the same list.";
  return fmt::format(
      "<section id=\"left-out\" aria-labelledby=\"left-out-name\">\n<h2 id=\"left-out-name\">Left "
      "out</h2>\n<p class=\"lead\">{}</p>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
      "aria-label=\"Files left out\"><table class=\"rows\">\n<thead><tr><th scope=\"col\">File</th>"
      "<th scope=\"col\">Cause</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n</section>\n",
      lead, rows);
}

}  // namespace coterie
