#include "coterie/shallow/assignment.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "coterie/core/parallel.h"

namespace coterie {

void check_clustering_input(ConstFeatures features, std::int64_t clusters) {
  if (features.rows == 0) throw UserError("there are no rows to cluster; give at least two");
  if (features.cols == 0) throw UserError("the rows have no columns; give at least one feature");
  if (clusters < 2 || clusters > features.rows)
    throw UserError("{} clusters were asked for: allowed is 2 to the number of rows, {}", clusters,
                    features.rows);
  std::atomic<std::int64_t> first_bad{features.size()};
  parallel_for(features.rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    const float* values = features.row(begin);
    const std::int64_t count = (end - begin) * features.cols;
    // Any NaN or infinity makes the sum of (x - x) differ from zero; one branch a piece.
    float sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += values[i] - values[i];
    if (sum == 0) return;
    for (std::int64_t i = 0; i < count; ++i) {
      if (std::isfinite(values[i])) continue;
      std::int64_t position = begin * features.cols + i;
      std::int64_t known = first_bad.load();
      while (position < known && !first_bad.compare_exchange_weak(known, position)) {
      }
      return;
    }
  });
  if (const std::int64_t bad = first_bad.load(); bad < features.size())
    throw UserError("row {}, column {} holds {}: features must be finite numbers",
                    bad / features.cols, bad % features.cols, features.data[bad]);
}

void check_width(std::int64_t trained, std::int64_t given) {
  if (trained != given)
    throw UserError("the model was trained on rows of {} features, these have {}", trained, given);
}

std::vector<std::int32_t> argmax_rows(MatrixView<const float> probabilities) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(probabilities.rows));
  for (std::int64_t i = 0; i < probabilities.rows; ++i) {
    const auto row = probabilities.row_span(i);
    labels[i] = static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }
  return labels;
}

}  // namespace coterie
