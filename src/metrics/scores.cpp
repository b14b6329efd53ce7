#include "coterie/metrics/scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coterie/core/error.h"
#include "coterie/metrics/assignment.h"
#include "coterie/metrics/contingency.h"

namespace coterie {
namespace {

using Labels = std::span<const std::int32_t>;

/// The table of two label sets without empty rows and columns, and its margins.
struct Table {
  std::vector<std::int32_t> row_values;
  std::vector<std::int32_t> column_values;
  Matrix<std::int64_t> counts;
  std::vector<std::int64_t> row_sums;
  std::vector<std::int64_t> column_sums;
  std::int64_t total = 0;
};

Table make_table(Labels rows, Labels columns) {
  check_same_length(rows, columns);
  CompactLabels a = compact_labels(rows), b = compact_labels(columns);
  Table table{std::move(a.values), std::move(b.values), contingency_table(a.labels, b.labels)};
  table.row_sums.assign(table.counts.rows(), 0);
  table.column_sums.assign(table.counts.cols(), 0);
  for (std::int64_t i = 0; i < table.counts.rows(); ++i)
    for (std::int64_t j = 0; j < table.counts.cols(); ++j) {
      table.row_sums[i] += table.counts(i, j);
      table.column_sums[j] += table.counts(i, j);
    }
  table.total = static_cast<std::int64_t>(rows.size());
  return table;
}

/// Column of each row in the matching with the most items, -1 where a row has none. Pairing all
/// of the shorter side gives the optimum of the square table, whose other cells are zero.
std::vector<std::int64_t> match_rows(const Table& table) {
  Matrix<double> cost(table.counts.rows(), table.counts.cols());
  for (std::int64_t i = 0; i < cost.rows(); ++i)
    for (std::int64_t j = 0; j < cost.cols(); ++j)
      cost(i, j) = -static_cast<double>(table.counts(i, j));
  auto columns = min_cost_assignment(cost);
  for (std::int64_t i = 0; i < cost.rows(); ++i)
    if (columns[i] >= 0 && table.counts(i, columns[i]) == 0) columns[i] = -1;
  return columns;
}

double accuracy_of(const Table& table) {
  const auto columns = match_rows(table);
  std::int64_t right = 0;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] >= 0) right += table.counts(i, columns[i]);
  return static_cast<double>(right) / static_cast<double>(table.total);
}

double entropy(const std::vector<std::int64_t>& sums, double total) {
  double sum = 0.0;
  for (const auto count : sums) {
    const double n = static_cast<double>(count);
    sum += n / total * std::log(total / n);
  }
  return sum;
}

double nmi_of(const Table& table, NmiMean mean) {
  if (table.counts.size() == 1) return 1.0;
  if (table.counts.rows() == 1 || table.counts.cols() == 1) return 0.0;
  const double total = static_cast<double>(table.total);
  double information = 0.0;
  for (std::int64_t i = 0; i < table.counts.rows(); ++i)
    for (std::int64_t j = 0; j < table.counts.cols(); ++j) {
      const double both = static_cast<double>(table.counts(i, j));
      if (both == 0.0) continue;
      const double apart =
          static_cast<double>(table.row_sums[i]) * static_cast<double>(table.column_sums[j]);
      information += both / total * std::log(total * both / apart);
    }
  const double a = entropy(table.row_sums, total), b = entropy(table.column_sums, total);
  const double scale = mean == NmiMean::arithmetic ? (a + b) / 2 : std::sqrt(a * b);
  return std::clamp(information / scale, 0.0, 1.0);
}

double ari_of(const Table& table) {
  // Ordered pairs that are together on both sides, on one, on none. Their products pass 64 bits
  // from about 60,000 items on.
  using Wide = __int128;
  const auto squares = [](const auto& values) {
    Wide sum = 0;
    for (const Wide value : values) sum += value * value;
    return sum;
  };
  const Wide n = table.total;
  const std::span<const std::int64_t> cells(table.counts.data(),
                                            static_cast<std::size_t>(table.counts.size()));
  const Wide both = squares(cells);
  const Wide rows = squares(table.row_sums), columns = squares(table.column_sums);
  const Wide together = both - n, rows_only = rows - both, columns_only = columns - both;
  const Wide neither = n * n - rows - columns + both;
  if (rows_only == 0 && columns_only == 0) return 1.0;
  const auto product = [](Wide x, Wide y) { return static_cast<double>(x * y); };
  const double above_chance = static_cast<double>(together * neither - rows_only * columns_only);
  return 2.0 * above_chance /
         (product(together + rows_only, rows_only + neither) +
          product(together + columns_only, columns_only + neither));
}

double purity_of(const Table& table) {
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < table.counts.rows(); ++i)
    right += *std::max_element(table.counts.row(i), table.counts.row(i) + table.counts.cols());
  return static_cast<double>(right) / static_cast<double>(table.total);
}

}  // namespace

double accuracy(Labels labels, Labels truth) { return accuracy_of(make_table(labels, truth)); }

double normalized_mutual_information(Labels a, Labels b, NmiMean mean) {
  return nmi_of(make_table(a, b), mean);
}

double adjusted_rand_index(Labels a, Labels b) { return ari_of(make_table(a, b)); }

double purity(Labels labels, Labels truth) { return purity_of(make_table(labels, truth)); }

std::vector<std::int32_t> best_matching(Labels labels, Labels truth) {
  const Table table = make_table(labels, truth);
  constexpr std::int32_t kMostClusters = 1 << 26;
  if (table.row_values.back() >= kMostClusters)
    throw UserError(
        "label {} is too large to list every cluster up to it; number the labels from 0",
        table.row_values.back());
  const auto columns = match_rows(table);
  std::vector<std::int32_t> classes(static_cast<std::size_t>(table.row_values.back()) + 1, -1);
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] >= 0) classes[table.row_values[i]] = table.column_values[columns[i]];
  return classes;
}

Confusion confusion_matrix(Labels labels, Labels truth) {
  const Table table = make_table(labels, truth);
  const std::int64_t classes = table.column_values.back() + std::int64_t{1};
  const auto matched = match_rows(table);
  std::vector<std::int64_t> own(static_cast<std::size_t>(classes), -1);  // row of each class
  std::vector<std::int64_t> rows, others;
  for (std::int64_t row = 0; row < table.counts.rows(); ++row) {
    if (matched[row] >= 0)
      own[table.column_values[matched[row]]] = row;
    else
      others.push_back(row);
  }
  Confusion confusion;
  for (const std::int64_t row : own) {
    confusion.columns.push_back(row < 0 ? -1 : static_cast<std::int32_t>(rows.size()));
    if (row >= 0) rows.push_back(row);
  }
  rows.insert(rows.end(), others.begin(), others.end());
  confusion.counts = Matrix<std::int64_t>(classes, static_cast<std::int64_t>(rows.size()));
  for (std::size_t column = 0; column < rows.size(); ++column) {
    confusion.clusters.push_back(table.row_values[rows[column]]);
    for (std::int64_t c = 0; c < table.counts.cols(); ++c)
      confusion.counts(table.column_values[c], static_cast<std::int64_t>(column)) =
          table.counts(rows[column], c);
  }
  return confusion;
}

Scores score(Labels labels, Labels truth, std::int64_t clusters) {
  const Table table = make_table(labels, truth);
  if (table.row_values.back() >= clusters)
    throw UserError("label {} is out of range: with {} clusters, labels are 0 to {}",
                    table.row_values.back(), clusters, clusters - 1);
  Scores scores;
  scores.acc = accuracy_of(table);
  scores.nmi = nmi_of(table, NmiMean::arithmetic);
  scores.ari = ari_of(table);
  scores.purity = purity_of(table);
  scores.n = table.total;
  scores.k = clusters;
  scores.cluster_sizes.assign(clusters, 0);
  for (std::size_t i = 0; i < table.row_values.size(); ++i)
    scores.cluster_sizes[table.row_values[i]] = table.row_sums[i];
  return scores;
}

}  // namespace coterie
