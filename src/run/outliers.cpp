#include "coterie/run/outliers.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/run/run_rows.h"
#include "coterie/shallow/neighbours.h"

namespace coterie {
namespace {

constexpr std::int64_t kNeighboursAveraged = 10;

/// What a usual row has: the median, or the mean where that is 0.
double usual_of(std::vector<double> values) {
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle > 0 ? *middle : mean;
}

}  // namespace

std::vector<double> outlier_scores(ConstFeatures rows, const ShallowContext& context) {
  if (rows.rows < 2)
    throw UserError("{} row has no neighbours; outliers need at least 2", rows.rows);
  const std::int64_t count = std::min(kNeighboursAveraged, rows.rows - 1);
  const Neighbours found = nearest_neighbours(rows, count, {}, context);
  std::vector<double> scores(static_cast<std::size_t>(rows.rows));
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    for (std::int64_t c = 0; c < count; ++c) scores[i] += std::sqrt(double{found.distances(i, c)});
    scores[i] /= static_cast<double>(count);
  }
  const double usual = usual_of(scores);
  if (usual > 0)
    for (double& score : scores) score /= usual;
  return scores;
}

std::vector<Outlier> write_outliers(const LoadedRun& run, Progress& progress,
                                    const CancelToken& cancel) {
  const RunRows rows(run);
  const std::vector<double> scores =
      outlier_scores(rows.values(), {.progress = &progress, .cancel = &cancel});
  std::vector<Outlier> outliers(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i)
    outliers[i] = {static_cast<std::int64_t>(i), scores[i]};
  std::stable_sort(outliers.begin(), outliers.end(),
                   [](const Outlier& a, const Outlier& b) { return a.score > b.score; });
  AtomicFile out(run.folder.file("outliers.csv"));
  out.write("id,path,label,score,rank\n");
  for (std::size_t rank = 0; rank < outliers.size(); ++rank) {
    const auto& [id, score] = outliers[rank];
    out.write(fmt::format("{},{},{},{:.6f},{}\n", id, csv_field(run.rows[id].path),
                          run.rows[id].label, score, rank));
  }
  out.commit();
  return outliers;
}

}  // namespace coterie
