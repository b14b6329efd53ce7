#include "coterie/shallow/tsne_layout.h"

#include <algorithm>
#include <numeric>

#include "coterie/core/parallel.h"
#include "coterie/shallow/row_search.h"
#include "coterie/shallow/tsne_affinities.h"

namespace coterie {
namespace {

constexpr std::int64_t kNearest = 15;
constexpr double kRowsPerPerplexity = 3;
constexpr std::size_t kPlacedAtOnce = 1 << 16;  // rows that are copied together

Matrix<float> rows_at(ConstFeatures rows, std::span<const std::int64_t> which) {
  Matrix<float> chosen(static_cast<std::int64_t>(which.size()), rows.cols);
  for (std::size_t i = 0; i < which.size(); ++i)
    std::copy_n(rows.row(which[i]), rows.cols, chosen.row(static_cast<std::int64_t>(i)));
  return chosen;
}

void write_at(Matrix<float>& positions, std::span<const std::int64_t> which,
              const Matrix<float>& part) {
  for (std::size_t i = 0; i < which.size(); ++i)
    std::copy_n(part.row(static_cast<std::int64_t>(i)), 2, positions.row(which[i]));
}

}  // namespace

const Fields<LayoutParams>& LayoutParams::fields() {
  static const Fields<LayoutParams> fields =
      Fields<LayoutParams>()
          .include("", &LayoutParams::tsne)
          .number("most", &LayoutParams::most, between(4, 2e9),
                  "rows that t-SNE lays out, a sample by clusters of more; the others are placed "
                  "among their neighbours");
  return fields;
}

void LayoutParams::validate() const {
  tsne.validate();
  fields().validate(*this);
}

std::vector<std::int64_t> stratified_sample(std::span<const std::int32_t> labels,
                                            std::int64_t count, RandomStream& stream) {
  std::vector<std::vector<std::int64_t>> members;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    if (label >= members.size()) members.resize(label + 1);
    members[label].push_back(static_cast<std::int64_t>(i));
  }
  const auto n = static_cast<std::int64_t>(labels.size());
  const auto size = [&](std::size_t k) { return static_cast<std::int64_t>(members[k].size()); };
  std::vector<std::int64_t> quota;
  std::int64_t given = 0;
  for (std::size_t k = 0; k < members.size(); ++k) {
    quota.push_back(count * size(k) / n);
    given += quota.back();
  }
  std::vector<std::size_t> by_remainder(members.size());
  std::iota(by_remainder.begin(), by_remainder.end(), std::size_t{0});
  std::stable_sort(by_remainder.begin(), by_remainder.end(), [&](std::size_t a, std::size_t b) {
    return count * size(a) % n > count * size(b) % n;
  });
  for (std::size_t at = 0; given < count; ++at, ++given) ++quota[by_remainder[at]];
  std::vector<std::int64_t> sample;
  for (std::size_t k = 0; k < members.size(); ++k) {
    stream.shuffle(std::span(members[k]));
    sample.insert(sample.end(), members[k].begin(), members[k].begin() + quota[k]);
  }
  std::sort(sample.begin(), sample.end());
  return sample;
}

Matrix<float> place_rows(ConstFeatures new_rows, ConstFeatures rows,
                         MatrixView<const float> positions, const ShallowContext& context) {
  const std::int64_t count = std::min(kNearest, rows.rows);
  const Neighbours near = nearest_rows(new_rows, rows, count, context);
  const Matrix<float> shares = conditional_affinities(
      near.distances, std::max(1.0, static_cast<double>(count) / kRowsPerPerplexity));
  Matrix<float> places(new_rows.rows, 2);
  parallel_for(new_rows.rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const bool equal = near.distances(i, 0) == 0;
      double x = 0, y = 0, sum = 0;
      for (std::int64_t c = 0; c < count; ++c) {
        const double share = equal ? (near.distances(i, c) == 0 ? 1 : 0) : shares(i, c);
        x += share * positions(near.rows(i, c), 0);
        y += share * positions(near.rows(i, c), 1);
        sum += share;
      }
      places(i, 0) = static_cast<float>(x / sum);
      places(i, 1) = static_cast<float>(y / sum);
    }
  });
  return places;
}

Layout lay_out_rows(ConstFeatures rows, std::span<const std::int32_t> labels,
                    const LayoutParams& params, const ShallowContext& context) {
  params.validate();
  check_features(rows);
  Tsne tsne(params.tsne);
  Layout layout;
  if (rows.rows <= params.most) {
    layout.positions = tsne.fit(rows, context);
    layout.steps = tsne.steps();
    return layout;
  }
  const std::vector<std::int32_t> one_cluster(labels.empty() ? static_cast<std::size_t>(rows.rows)
                                                             : 0);
  RandomStream stream(context.seed, "layout sample");
  const std::vector<std::int64_t> sample =
      stratified_sample(labels.empty() ? one_cluster : labels, params.most, stream);
  for (std::int64_t i = 0, at = 0; i < rows.rows; ++i)
    if (at < params.most && sample[at] == i)
      ++at;
    else
      layout.placed.push_back(i);
  const Matrix<float> laid_out = rows_at(rows, sample);
  const Matrix<float> positions = tsne.fit(laid_out, context);
  layout.steps = tsne.steps();
  layout.positions = Matrix<float>(rows.rows, 2);
  write_at(layout.positions, sample, positions);
  for (std::span<const std::int64_t> rest = layout.placed; !rest.empty();) {
    const auto part = rest.first(std::min(rest.size(), kPlacedAtOnce));
    write_at(layout.positions, part, place_rows(rows_at(rows, part), laid_out, positions, context));
    rest = rest.subspan(part.size());
  }
  return layout;
}

}  // namespace coterie
