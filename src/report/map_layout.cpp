#include "coterie/report/map_layout.h"

#include <filesystem>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/npy.h"

namespace coterie {

std::optional<MapLayout> read_map(const LoadedRun& run, const CancelToken& cancel) {
  const std::filesystem::path path = run.folder.file("map.npy");
  if (!path_exists(path)) return std::nullopt;
  const FeatureRows rows = NpyFile(path).features();
  const std::string name = printable(path.native());
  const std::string again = printable(run.folder.path().native());
  if (rows.values.cols != 2 || rows.values.rows != run.dataset.size())
    throw UserError("{} is [{}, {}], expected [{}, 2]; make it again: coterie map {}", name,
                    rows.values.rows, rows.values.cols, run.dataset.size(), again);
  check_finite(rows.values, name, cancel);
  MapLayout map{rows.values, nlohmann::json::object(), rows.storage};
  if (const auto about = run.folder.file("map.json"); path_exists(about)) {
    map.about = nlohmann::json::parse(read_file(about), nullptr, false);
    if (!map.about.is_object())
      throw UserError("{} is damaged: it is no JSON object; make it again: coterie map {}",
                      printable(about.native()), again);
  }
  return map;
}

}  // namespace coterie
