#include "coterie/shallow/kmeans_seeding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "coterie/core/parallel.h"
#include "coterie/shallow/centre_products.h"
#include "coterie/shallow/row_blocks.h"

namespace coterie {
Matrix<double> kmeans_plus_plus(const PreparedRows& rows, std::int64_t clusters,
                                RandomStream& stream, const ShallowContext& context) {
  const std::int64_t n = rows.rows(), columns = rows.cols(), block_rows = row_block(columns);
  const auto candidates = static_cast<std::int64_t>(2 + std::log(static_cast<double>(clusters)));
  Matrix<double> centres(clusters, columns);
  std::vector<float> nearest(static_cast<std::size_t>(n), std::numeric_limits<float>::infinity());
  Matrix<float> to_candidate(candidates, n);
  std::vector<double> row(static_cast<std::size_t>(columns));

  // Distances of all rows to `drawn` rows, capped by those to the centres so far.
  const auto measure = [&](const std::vector<std::int64_t>& drawn) {
    Matrix<double> points(static_cast<std::int64_t>(drawn.size()), columns);
    for (std::size_t c = 0; c < drawn.size(); ++c) rows.load(drawn[c], points.row(c));
    const CentreProducts products(points);
    parallel_for(n, 4 * block_rows, [&](std::int64_t begin, std::int64_t end) {
      Matrix<float> x(block_rows, columns), distances(block_rows, points.rows());
      for (std::int64_t first = begin; first < end; first += block_rows) {
        const std::int64_t count = std::min(block_rows, end - first);
        for (std::int64_t b = 0; b < count; ++b) rows.load(first + b, x.row(b));
        products.relative_distances(x.data(), count, distances.data());
        for (std::int64_t b = 0; b < count; ++b) {
          const auto square = static_cast<float>(squared_length(x.row(b), columns));
          for (std::int64_t c = 0; c < points.rows(); ++c)
            to_candidate(c, first + b) =
                std::min(nearest[first + b], std::max(0.0f, distances(b, c) + square));
        }
      }
    });
  };
  const auto potential = [&](const float* distances) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += distances[i];
    return sum;
  };

  double total = 0;
  for (std::int64_t k = 0; k < clusters; ++k) {
    context.check_cancelled();
    std::vector<std::int64_t> drawn;
    if (k == 0) {
      drawn.push_back(static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(n))));
    } else {
      for (std::int64_t c = 0; c < candidates; ++c) {
        double left = stream.uniform() * total;
        std::int64_t i = 0;
        while (i + 1 < n && (left -= nearest[i]) >= 0) ++i;
        drawn.push_back(i);
      }
    }
    measure(drawn);
    std::int64_t best = 0;
    double best_potential = std::numeric_limits<double>::infinity();
    for (std::int64_t c = 0; c < static_cast<std::int64_t>(drawn.size()); ++c) {
      const double value = potential(to_candidate.row(c));
      if (value < best_potential) {
        best_potential = value;
        best = c;
      }
    }
    total = best_potential;
    std::copy_n(to_candidate.row(best), n, nearest.begin());
    nearest[drawn[best]] = 0;
    rows.load(drawn[best], row.data());
    std::copy(row.begin(), row.end(), centres.row(k));
  }
  return centres;
}

}  // namespace coterie
