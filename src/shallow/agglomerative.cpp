#include "coterie/shallow/agglomerative.h"

#include <algorithm>
#include <numeric>

#include "coterie/shallow/agglomerative_rounds.h"
#include "coterie/shallow/distinct_rows.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

/// Sets of items that are joined two by two.
/// The node of the dendrogram that each item is in so far.
class Tops {
 public:
  explicit Tops(std::int64_t items) : parent_(static_cast<std::size_t>(items)) {
    std::iota(parent_.begin(), parent_.end(), std::int64_t{0});
  }
  std::int64_t find(std::int64_t item) {
    while (parent_[item] != item) item = parent_[item] = parent_[parent_[item]];
    return item;
  }
  void put(std::int64_t top, std::int64_t into) { parent_[top] = into; }

 private:
  std::vector<std::int64_t> parent_;
};

/// Different rows, each by its first occurrence, and how often it stands.
struct CountedRows {
  explicit CountedRows(ConstFeatures features) {
    const std::vector<std::int64_t> original = first_equal_rows(features);
    std::vector<std::int64_t> number(original.size());
    for (std::int64_t i = 0; i < features.rows; ++i) {
      if (original[i] == i) {
        number[i] = static_cast<std::int64_t>(rows.size());
        rows.push_back(i);
        counts.push_back(0);
      } else {
        repeats.push_back({original[i], i, 0});
      }
      counts[number[original[i]]] += 1;
    }
  }
  std::vector<std::int64_t> rows;
  std::vector<double> counts;
  std::vector<Join> repeats;  // of a row with its first occurrence, at height 0
};

}  // namespace

std::vector<Merge> merges_of(std::vector<Join> joins, std::int64_t items) {
  std::stable_sort(joins.begin(), joins.end(),
                   [](const Join& x, const Join& y) { return x.height < y.height; });
  Tops tops(2 * items - 1);
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(2 * items - 1), 1);
  std::vector<Merge> merges;
  merges.reserve(joins.size());
  for (const Join& join : joins) {
    const auto [a, b] = std::minmax({tops.find(join.a), tops.find(join.b)});
    const std::int64_t made = items + static_cast<std::int64_t>(merges.size());
    tops.put(a, made);
    tops.put(b, made);
    sizes[made] = sizes[a] + sizes[b];
    merges.push_back({a, b, join.height, sizes[made]});
  }
  return merges;
}

std::vector<Merge> dendrogram(ConstFeatures features, Linkage linkage,
                              const ShallowContext& context) {
  check_features(features);
  const CountedRows distinct(features);
  std::vector<Join> joins;
  switch (linkage) {
    case Linkage::ward:
      joins = link_ward(features, distinct.rows, distinct.counts, context);
      break;
    case Linkage::single:
      joins = link_single(features, distinct.rows, context);
      break;
    case Linkage::average:
    case Linkage::complete:
      joins = link_rows(features, distinct.rows, distinct.counts, linkage == Linkage::complete,
                        context);
      break;
  }
  for (Join& join : joins) {
    join.a = distinct.rows[join.a];
    join.b = distinct.rows[join.b];
  }
  joins.insert(joins.begin(), distinct.repeats.begin(), distinct.repeats.end());
  return merges_of(std::move(joins), features.rows);
}

std::vector<std::int32_t> cut_dendrogram(std::span<const Merge> merges, std::int64_t clusters) {
  const auto rows = static_cast<std::int64_t>(merges.size()) + 1;
  if (clusters < 1 || clusters > rows)
    throw UserError("a dendrogram of {} rows cannot be cut into {} clusters: allowed is 1 to {}",
                    rows, clusters, rows);
  Tops tops(2 * rows - 1);
  for (std::int64_t m = 0; m < rows - clusters; ++m) {
    tops.put(merges[m].a, rows + m);
    tops.put(merges[m].b, rows + m);
  }
  std::vector<std::int32_t> label_of(static_cast<std::size_t>(2 * rows - 1), -1);
  std::vector<std::int32_t> labels(static_cast<std::size_t>(rows));
  std::int32_t next = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::int32_t& label = label_of[tops.find(i)];
    if (label < 0) label = next++;
    labels[i] = label;
  }
  return labels;
}

std::string dendrogram_csv(std::span<const Merge> merges) {
  std::string csv = "a,b,height,size\n";
  for (const Merge& merge : merges)
    fmt::format_to(std::back_inserter(csv), "{},{},{},{}\n", merge.a, merge.b, merge.height,
                   merge.size);
  return csv;
}

const Fields<AgglomerativeParams>& AgglomerativeParams::fields() {
  static const Fields<AgglomerativeParams> fields = Fields<AgglomerativeParams>().choice(
      "linkage", &AgglomerativeParams::linkage,
      {{"ward", Linkage::ward},
       {"average", Linkage::average},
       {"complete", Linkage::complete},
       {"single", Linkage::single}},
      "how far two clusters are from each other; average and complete keep all distances");
  return fields;
}

Agglomerative::Agglomerative(AgglomerativeParams params) : params_(params) { params_.validate(); }

Assignment Agglomerative::fit(ConstFeatures features, std::int64_t clusters,
                              const ShallowContext& context) {
  check_clustering_input(features, clusters);
  merges_ = dendrogram(features, params_.linkage, context);
  model_ = LabelledRows(features, cut_dendrogram(merges_, clusters), clusters);
  return predict(features);
}

Assignment Agglomerative::predict(ConstFeatures features) const { return model_.predict(features); }

TensorMap Agglomerative::save() const {
  TensorMap tensors = model_.save();
  Matrix<double> merges(static_cast<std::int64_t>(merges_.size()), 4);
  for (std::size_t m = 0; m < merges_.size(); ++m) {
    const Merge& merge = merges_[m];
    const double values[] = {static_cast<double>(merge.a), static_cast<double>(merge.b),
                             merge.height, static_cast<double>(merge.size)};
    std::copy_n(values, 4, merges.row(static_cast<std::int64_t>(m)));
  }
  tensors.emplace("merges", make_tensor(merges));
  return tensors;
}

void Agglomerative::load(const TensorMap& tensors) {
  model_ = LabelledRows::load(tensors, "agglomerative");
  const Matrix<double> merges = StoredTensors(tensors, "agglomerative").matrix("merges");
  if (merges.cols() != 4 || merges.rows() + 1 != static_cast<std::int64_t>(model_.labels().size()))
    throw UserError("the stored agglomerative model does not fit together; train it again");
  merges_.clear();
  for (std::int64_t m = 0; m < merges.rows(); ++m)
    merges_.push_back({static_cast<std::int64_t>(merges(m, 0)),
                       static_cast<std::int64_t>(merges(m, 1)), merges(m, 2),
                       static_cast<std::int64_t>(merges(m, 3))});
}

}  // namespace coterie
