#include "coterie/report/map_points.h"

#include <algorithm>
#include <numeric>

#include "coterie/core/random.h"
#include "coterie/core/text.h"
#include "coterie/report/base64.h"
#include "coterie/report/image_tiles.h"

namespace coterie {
namespace {

template <class T>
std::string base64_of(const std::vector<T>& values) {
  return base64({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

/// How many letters two names share at their begin, up to the first that is not ASCII.
std::size_t shared_begin(std::string_view a, std::string_view b, std::size_t most) {
  const std::size_t limit = std::min({a.size(), b.size(), most});
  std::size_t same = 0;
  while (same < limit && a[same] == b[same] && static_cast<unsigned char>(a[same]) < 0x80) ++same;
  return same;
}

/// JSON in which no "</script>" or "<!--" can stand.
std::string within_script(const nlohmann::json& json) {
  const std::string text = json.dump();
  std::string out;
  out.reserve(text.size());
  for (const char c : text) c == '<' ? out += "\\u003c" : out += c;
  return out;
}

}  // namespace

std::vector<std::int64_t> map_rows(std::int64_t count, std::int64_t most) {
  std::vector<std::int64_t> rows;
  if (count <= most) {
    rows.resize(static_cast<std::size_t>(count));
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }
  // Selection sampling (Knuth, volume 2, 3.4.2, algorithm S).
  RandomStream random(0, "map of the report");
  rows.reserve(static_cast<std::size_t>(most));
  for (std::int64_t i = 0; i < count; ++i)
    if (random.below(count - i) < static_cast<std::uint64_t>(most) - rows.size()) rows.push_back(i);
  return rows;
}

std::string front_coded(const std::vector<std::string>& names) {
  constexpr std::size_t kMostShared = 78;
  std::string out;
  std::string_view last;
  for (const auto& name : names) {
    const std::size_t same = shared_begin(last, name, kMostShared);
    if (!out.empty()) out += '\n';
    out += static_cast<char>('0' + same);
    out += name.substr(same);
    last = name;
  }
  return out;
}

std::string map_payload(const RunSummary& summary, const MapLayout& map,
                        const std::vector<std::int64_t>& rows, std::string_view folder) {
  const LoadedRun& run = *summary.run;
  const auto gather = [&](auto value) {
    std::vector<decltype(value(0))> out;
    out.reserve(rows.size());
    for (const std::int64_t row : rows) out.push_back(value(row));
    return out;
  };
  std::vector<float> positions;
  positions.reserve(2 * rows.size());
  for (const std::int64_t row : rows)
    positions.insert(positions.end(), {map.positions(row, 0), map.positions(row, 1)});
  auto matches = nlohmann::json::array();
  for (const auto& cluster : summary.clusters) matches.push_back(cluster.match);
  nlohmann::json json = {
      {"images", run.dataset.has_images()},
      {"total", summary.size()},
      {"clusters", run.clusters},
      {"matches", matches},
      {"positions", base64_of(positions)},
      {"labels", base64_of(gather([&](auto row) { return run.rows[row].label; }))},
      {"confidences", base64_of(gather([&](auto row) { return run.rows[row].confidence; }))},
      {"names", front_coded(gather([&](auto row) { return printable(run.rows[row].path); }))}};
  if (static_cast<std::int64_t>(rows.size()) < summary.size())
    json["ids"] = base64_of(gather([](auto row) { return static_cast<std::int32_t>(row); }));
  if (summary.confusion) {
    json["truth"] = base64_of(gather([&](auto row) { return run.dataset.truth[row]; }));
    for (std::int32_t c = 0; c < summary.confusion->counts.rows(); ++c) {
      json["classes"].push_back(printable(summary.plain_class_name(c)));
      json["class_colours"].push_back(summary.class_colour(c));
    }
  }
  if (!folder.empty()) {
    const ThumbnailSize size = tile_size(run.dataset.shape, static_cast<std::int64_t>(rows.size()));
    json["tiles"] = {{"folder", folder},
                     {"width", size.width},
                     {"height", size.height},
                     {"columns", kTileColumns},
                     {"each", kTileImages}};
  }
  return within_script(json);
}

}  // namespace coterie
