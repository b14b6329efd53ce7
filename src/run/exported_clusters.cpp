#include "coterie/run/exported_clusters.h"

#include <utility>

namespace coterie {

std::string ExportedClusters::name_of(std::int32_t cluster) const {
  const auto found = names.find(cluster);
  return found == names.end() ? std::string() : found->second;
}

ExportedClusters exported_clusters(const RunFolder& run) {
  ExportedClusters found;
  found.clusters = run.read_finished_manifest().at("clusters");
  for (AssignedRow& row : run.read_assignments()) {
    found.paths.push_back(std::move(row.path));
    found.labels.push_back(row.label);
    found.confidences.push_back(row.confidence);
  }
  return found;
}

}  // namespace coterie
