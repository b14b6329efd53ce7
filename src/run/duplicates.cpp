#include "coterie/run/duplicates.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "coterie/core/files.h"
#include "coterie/core/parallel.h"
#include "coterie/core/text.h"
#include "coterie/run/run_rows.h"
#include "coterie/shallow/distinct_rows.h"
#include "coterie/shallow/neighbour_graph.h"
#include "coterie/shallow/neighbours.h"

namespace coterie {
namespace {

constexpr std::int64_t kNeighboursLookedAt = 10;
constexpr double kNearShare = 0.1;  // of the median 1 - cosine between nearest neighbours

/// For each image the first that has its pixels, which may be itself.
std::vector<std::int64_t> first_equal_images(const TrainingData& data) {
  const auto bytes_of = [&](std::int64_t i) {
    const auto image = data.image(i);
    return std::string_view(reinterpret_cast<const char*>(image.data()), image.size());
  };
  std::vector<std::size_t> hashes(static_cast<std::size_t>(data.count));
  parallel_for(data.count, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      hashes[i] = std::hash<std::string_view>()(bytes_of(i));
  });
  std::unordered_multimap<std::size_t, std::int64_t> seen;
  seen.reserve(hashes.size());
  std::vector<std::int64_t> equal(hashes.size());
  for (std::int64_t i = 0; i < data.count; ++i) {
    const auto [first, last] = seen.equal_range(hashes[i]);
    const auto known = std::find_if(
        first, last, [&](const auto& entry) { return bytes_of(entry.second) == bytes_of(i); });
    equal[i] = known != last ? known->second : i;
    if (known == last) seen.emplace(hashes[i], i);
  }
  return equal;
}

/// The rows that differ, by the lowest id of each, and their nearest neighbours.
struct DistinctNeighbours {
  std::vector<std::int64_t> ids;
  Neighbours found;  // rows are places in `ids`
};

DistinctNeighbours distinct_neighbours(ConstFeatures rows, const std::vector<std::int64_t>& equal,
                                       const ShallowContext& context) {
  DistinctNeighbours distinct;
  for (std::int64_t i = 0; i < rows.rows; ++i)
    if (equal[i] == i) distinct.ids.push_back(i);
  const auto count = static_cast<std::int64_t>(distinct.ids.size());
  if (count < 2) return distinct;
  Matrix<float> copy;
  ConstFeatures seen = rows;
  if (count < rows.rows) {
    copy = Matrix<float>(count, rows.cols);
    for (std::int64_t i = 0; i < count; ++i)
      std::copy_n(rows.row(distinct.ids[i]), rows.cols, copy.row(i));
    seen = copy;
  }
  distinct.found =
      nearest_neighbours(seen, std::min(kNeighboursLookedAt, count - 1), {.cosine = true}, context);
  return distinct;
}

double cosine_of(float squared_distance) { return 1 - squared_distance / 2.0; }

/// The cosine above which neighbours are near.
double threshold_for(const Neighbours& found) {
  if (found.rows.rows() == 0) return 1;
  std::vector<double> apart;
  for (std::int64_t i = 0; i < found.distances.rows(); ++i)
    apart.push_back(1 - cosine_of(found.distances(i, 0)));
  const auto middle = apart.begin() + static_cast<std::ptrdiff_t>(apart.size() / 2);
  std::nth_element(apart.begin(), middle, apart.end());
  return 1 - kNearShare * *middle;
}

}  // namespace

Duplicates find_duplicates(const TrainingData& data, ConstFeatures rows, double threshold,
                           const ShallowContext& context) {
  if (!(threshold >= 0 && threshold <= 1))
    throw UserError("the threshold {} is out of range: allowed is 0 to 1, or 0 to find one",
                    threshold);
  const std::vector<std::int64_t> equal =
      data.has_images() ? first_equal_images(data) : first_equal_rows(data.features);
  const DistinctNeighbours distinct = distinct_neighbours(rows, equal, context);
  Duplicates result;
  result.threshold = threshold > 0 ? threshold : threshold_for(distinct.found);

  DisjointSets sets(data.count);
  std::vector<double> similarity(equal.size(), 0);
  std::vector<bool> exact(equal.size());
  for (std::int64_t i = 0; i < data.count; ++i) {
    if (equal[i] == i) continue;
    sets.join(i, equal[i]);
    exact[i] = exact[equal[i]] = true;
    similarity[i] = similarity[equal[i]] = 1;
  }
  const Neighbours& found = distinct.found;
  for (std::int64_t i = 0; i < found.rows.rows(); ++i)
    for (std::int64_t c = 0; c < found.rows.cols(); ++c) {
      const double cosine = cosine_of(found.distances(i, c));
      if (cosine < result.threshold) break;
      const std::int64_t a = distinct.ids[i], b = distinct.ids[found.rows(i, c)];
      sets.join(a, b);
      similarity[a] = std::max(similarity[a], cosine);
      similarity[b] = std::max(similarity[b], cosine);
    }

  std::vector<std::int64_t> sizes(equal.size());
  for (std::int64_t i = 0; i < data.count; ++i) ++sizes[sets.find(i)];
  std::vector<std::int64_t> numbers(equal.size(), -1);
  for (std::int64_t i = 0; i < data.count; ++i) {
    const std::int64_t set = sets.find(i);
    if (sizes[set] < 2) continue;
    if (numbers[set] < 0) numbers[set] = result.groups++;
    result.rows.push_back({numbers[set], i, exact[i], similarity[i]});
  }
  std::stable_sort(result.rows.begin(), result.rows.end(),
                   [](const Duplicate& a, const Duplicate& b) { return a.group < b.group; });
  return result;
}

Duplicates write_duplicates(const LoadedRun& run, double threshold, Progress& progress,
                            const CancelToken& cancel) {
  const RunRows rows(run);
  Duplicates found = find_duplicates(run.dataset.training_data(), rows.values(), threshold,
                                     {.progress = &progress, .cancel = &cancel});
  AtomicFile out(run.folder.file("duplicates.csv"));
  out.write("group,id,path,kind,similarity\n");
  for (const Duplicate& row : found.rows)
    out.write(fmt::format("{},{},{},{},{:.6f}\n", row.group, row.id,
                          csv_field(run.dataset.paths[row.id]), row.exact ? "exact" : "near",
                          row.similarity));
  out.commit();
  return found;
}

}  // namespace coterie
