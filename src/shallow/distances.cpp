#include "coterie/shallow/distances.h"

#include <vector>

#include "coterie/core/parallel.h"

namespace coterie {

double squared_distance(const float* x, const double* centre, std::int64_t columns) {
  double partial[8] = {};
  std::int64_t d = 0;
  for (; d + 8 <= columns; d += 8)
    for (int lane = 0; lane < 8; ++lane) {
      const double difference = x[d + lane] - centre[d + lane];
      partial[lane] += difference * difference;
    }
  double sum = 0;
  for (; d < columns; ++d) sum += (x[d] - centre[d]) * (x[d] - centre[d]);
  for (const double part : partial) sum += part;
  return sum;
}

void closeness_to_centres(const PreparedRows& rows, const Matrix<double>& centres,
                          Matrix<float>& out) {
  const std::int64_t clusters = centres.rows(), columns = centres.cols();
  parallel_for(rows.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> x(static_cast<std::size_t>(columns));
    std::vector<double> closeness(static_cast<std::size_t>(clusters));
    for (std::int64_t i = begin; i < end; ++i) {
      rows.load(i, x.data());
      double total = 0;
      for (std::int64_t k = 0; k < clusters; ++k)
        total += closeness[k] = 1.0 / (squared_distance(x.data(), centres.row(k), columns) + 1e-30);
      for (std::int64_t k = 0; k < clusters; ++k)
        out(i, k) = static_cast<float>(closeness[k] / total);
    }
  });
}

}  // namespace coterie
