#pragma once

#include <string>
#include <vector>

#include "coterie/report/found_lists.h"
#include "coterie/report/map_layout.h"
#include "coterie/report/summary.h"

namespace coterie {

/// What a report is made of, as far as the run folder holds it.
struct ReportParts {
  std::optional<MapLayout> map;
  std::vector<std::int64_t> map_rows;  ///< those that the map shows
  std::optional<std::vector<DuplicateGroup>> duplicates;
  std::optional<Outliers> outliers;
};

/// What the page does not show and why, with the commands that would change it, as HTML.
std::vector<std::string> left_out_notes(const RunSummary& summary, const ReportParts& parts);

}  // namespace coterie
