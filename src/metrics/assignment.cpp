#include "coterie/metrics/assignment.h"

#include <cmath>
#include <limits>

#include "coterie/core/error.h"

namespace coterie {
namespace {

constexpr std::int64_t kNone = -1;

/// Adds one row after another to a minimum-cost matching; needs rows <= cols. Column `cols` is the
/// start of every path: it holds the row that is being added.
class Matching {
 public:
  explicit Matching(MatrixView<const double> cost)
      : cost_(cost),
        row_price_(cost.rows, 0.0),
        column_price_(cost.cols + 1, 0.0),
        row_of_(cost.cols + 1, kNone),
        distance_(cost.cols),
        before_(cost.cols),
        reached_(cost.cols + 1) {}

  void add(std::int64_t row) {
    row_of_[cost_.cols] = row;
    const std::int64_t end = shortest_path();
    for (std::int64_t column = end; column != cost_.cols;) {
      const std::int64_t previous = before_[column];
      row_of_[column] = row_of_[previous];
      column = previous;
    }
  }

  std::vector<std::int64_t> column_of_rows() const {
    std::vector<std::int64_t> columns(cost_.rows, kNone);
    for (std::int64_t column = 0; column < cost_.cols; ++column)
      if (row_of_[column] != kNone) columns[row_of_[column]] = column;
    return columns;
  }

 private:
  /// Dijkstra on reduced costs from the new row to the nearest free column, which it returns.
  std::int64_t shortest_path() {
    distance_.assign(cost_.cols, std::numeric_limits<double>::infinity());
    reached_.assign(cost_.cols + 1, false);
    std::int64_t column = cost_.cols;
    while (row_of_[column] != kNone) {
      reached_[column] = true;
      const std::int64_t nearest = relax_from(column);
      shift_prices(distance_[nearest]);
      column = nearest;
    }
    return column;
  }

  std::int64_t relax_from(std::int64_t column) {
    const std::int64_t row = row_of_[column];
    std::int64_t nearest = kNone;
    for (std::int64_t j = 0; j < cost_.cols; ++j) {
      if (reached_[j]) continue;
      const double reduced = cost_(row, j) - row_price_[row] - column_price_[j];
      if (reduced < distance_[j]) {
        distance_[j] = reduced;
        before_[j] = column;
      }
      if (nearest == kNone || distance_[j] < distance_[nearest]) nearest = j;
    }
    return nearest;
  }

  void shift_prices(double step) {
    for (std::int64_t j = 0; j <= cost_.cols; ++j) {
      if (reached_[j]) {
        row_price_[row_of_[j]] += step;
        column_price_[j] -= step;
      } else {
        distance_[j] -= step;
      }
    }
  }

  MatrixView<const double> cost_;
  std::vector<double> row_price_;
  std::vector<double> column_price_;
  std::vector<std::int64_t> row_of_;
  std::vector<double> distance_;
  std::vector<std::int64_t> before_;
  std::vector<char> reached_;
};

std::vector<std::int64_t> assign_wide(MatrixView<const double> cost) {
  Matching matching(cost);
  for (std::int64_t row = 0; row < cost.rows; ++row) matching.add(row);
  return matching.column_of_rows();
}

}  // namespace

std::vector<std::int64_t> min_cost_assignment(MatrixView<const double> cost) {
  for (std::int64_t i = 0; i < cost.rows; ++i)
    for (std::int64_t j = 0; j < cost.cols; ++j)
      if (!std::isfinite(cost(i, j)))
        throw UserError("assignment cost at row {}, column {} is {}: costs must be finite", i, j,
                        cost(i, j));
  if (cost.rows <= cost.cols) return assign_wide(cost);

  Matrix<double> turned(cost.cols, cost.rows);
  for (std::int64_t i = 0; i < cost.rows; ++i)
    for (std::int64_t j = 0; j < cost.cols; ++j) turned(j, i) = cost(i, j);
  const auto row_of_columns = assign_wide(turned);
  std::vector<std::int64_t> columns(cost.rows, kNone);
  for (std::int64_t j = 0; j < cost.cols; ++j) columns[row_of_columns[j]] = j;
  return columns;
}

std::vector<std::int64_t> matched_clusters(const std::vector<std::int32_t>& before,
                                           const std::vector<std::int32_t>& after,
                                           std::int64_t clusters) {
  Matrix<double> cost(clusters, clusters);
  for (std::size_t i = 0; i < after.size(); ++i) cost(after[i], before[i]) -= 1;
  return min_cost_assignment(cost);
}

}  // namespace coterie
