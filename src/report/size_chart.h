#pragma once

#include <string>

#include "coterie/report/summary.h"

namespace coterie {

/// Cluster sizes as bars: a line for each of a few clusters, columns for many.
std::string size_chart(const RunSummary& summary);

}  // namespace coterie
