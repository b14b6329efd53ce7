#include "coterie/shallow/rcc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/distinct_rows.h"
#include "coterie/shallow/mean_merging.h"
#include "coterie/shallow/neighbour_graph.h"
#include "coterie/shallow/representatives.h"

namespace coterie {
namespace {

/// Iterations at one mu.
constexpr std::size_t kIterationsPerScale = 4;

/// More groups than this are joined beyond the threshold before Ward's merging, which takes time
/// and memory by the square of their number.
constexpr std::int64_t kMostGroups = 2000;

/// Mutual neighbours, and a least spanning forest of all neighbours.
std::vector<Edge> graph_edges(ConstFeatures rows, const RccParams& params,
                              const ShallowContext& context) {
  const Neighbours neighbours =
      nearest_neighbours(rows, std::min<std::int64_t>(params.neighbours, rows.rows - 1),
                         {.cosine = params.distance == RccDistance::cosine}, context);
  const std::vector<Edge> all = neighbour_edges(neighbours);
  const std::vector<bool> in_forest = spanning_forest(rows.rows, all);
  std::vector<Edge> kept;
  for (std::size_t e = 0; e < all.size(); ++e)
    if (all[e].mutual || in_forest[e]) kept.push_back(all[e]);
  return kept;
}

/// w_pq: the mean number of edges of a row over the geometric mean of p's and q's.
std::vector<double> balance(std::int64_t rows, const std::vector<Edge>& edges) {
  const std::vector<double> degrees =
      NeighbourGraph(rows, edges, std::vector<double>(edges.size(), 1.0)).degrees();
  const double mean = 2.0 * static_cast<double>(edges.size()) / static_cast<double>(rows);
  std::vector<double> weights;
  for (const Edge& edge : edges)
    weights.push_back(mean / std::sqrt(degrees[edge.first] * degrees[edge.second]));
  return weights;
}

/// Lengths of edges that the authors' rules for mu and the threshold take from the data.
struct Scales {
  double longest = 0;       // sets mu's first value
  double near = 0;          // mean of the shortest 1 %, at most 250: mu's end
  double same_cluster = 0;  // mean of the shortest 1 %

  Scales(std::vector<double> squares, std::int64_t columns) {
    std::vector<double>& lengths = squares;
    for (double& length : lengths) length = std::sqrt(length);
    std::sort(lengths.begin(), lengths.end());
    longest = lengths.back();
    // Nearly equal rows say nothing about the scale.
    const double least = 1e-2 * std::sqrt(static_cast<double>(columns));
    const auto first = std::find_if(lengths.begin(), lengths.end(),
                                    [&](double length) { return length >= least; });
    const auto percent =
        static_cast<std::ptrdiff_t>(std::ceil(0.01 * static_cast<double>(lengths.size())));
    const auto mean_of_first = [&](std::ptrdiff_t count) {
      count = std::min(count, lengths.end() - first);
      return count > 0 ? std::accumulate(first, first + count, 0.0) / static_cast<double>(count)
                       : longest;
    };
    near = mean_of_first(std::min<std::ptrdiff_t>(percent, 250));
    same_cluster = mean_of_first(percent);
  }
};

/// Each column into [0, 1], or to mean 0 and variance 1; constant columns become 0.
Matrix<float> scaled(ConstFeatures rows, RccScaling scaling) {
  Matrix<float> result(rows.rows, rows.cols);
  std::vector<double> low(static_cast<std::size_t>(rows.cols)), width(low.size());
  if (scaling == RccScaling::range) {
    std::copy_n(rows.row(0), rows.cols, low.begin());
    std::vector<double> high = low;
    for (std::int64_t i = 1; i < rows.rows; ++i)
      for (std::int64_t d = 0; d < rows.cols; ++d) {
        low[d] = std::min<double>(low[d], rows(i, d));
        high[d] = std::max<double>(high[d], rows(i, d));
      }
    for (std::int64_t d = 0; d < rows.cols; ++d) width[d] = high[d] - low[d];
  } else {
    const auto n = static_cast<double>(rows.rows);
    for (std::int64_t i = 0; i < rows.rows; ++i)
      for (std::int64_t d = 0; d < rows.cols; ++d) low[d] += rows(i, d) / n;
    for (std::int64_t i = 0; i < rows.rows; ++i)
      for (std::int64_t d = 0; d < rows.cols; ++d)
        width[d] += (rows(i, d) - low[d]) * (rows(i, d) - low[d]) / n;
    for (double& value : width) value = std::sqrt(value);
  }
  for (std::int64_t i = 0; i < rows.rows; ++i)
    for (std::int64_t d = 0; d < rows.cols; ++d)
      result(i, d) = width[d] > 0 ? static_cast<float>((rows(i, d) - low[d]) / width[d]) : 0.0f;
  return result;
}

/// The continuation of the paper's algorithm 1. Returns a record of each iteration.
std::vector<RccStep> optimise(Representatives& representatives, const std::vector<Edge>& edges,
                              const Scales& scales, const RccParams& params,
                              const ShallowContext& context) {
  const std::int64_t n = representatives.rows();
  const std::vector<double> weights = balance(n, edges);
  const double data_norm = representatives.spectral_norm(context);
  const auto lambda_of = [&](const NeighbourGraph& graph) {
    const double norm = laplacian_norm(graph, context);
    return norm > 0 ? data_norm / norm : 0.0;
  };
  double mu = 3 * scales.longest * scales.longest;
  double lambda = lambda_of(NeighbourGraph(n, edges, weights));
  const double last_mu = scales.near / 2;
  std::vector<RccStep> steps;
  if (context.progress) context.progress->begin("representatives", params.max_iterations);
  while (static_cast<int>(steps.size()) < params.max_iterations) {
    context.check_cancelled();
    const std::vector<double> squares = representatives.squared_lengths(edges);
    std::vector<double> line(edges.size());
    double pairs = 0;
    for (std::size_t e = 0; e < edges.size(); ++e) {
      const double root = mu / (mu + squares[e]);
      pairs += weights[e] * (root * root * squares[e] + mu * (root - 1) * (root - 1));
      line[e] = weights[e] * root * root;
    }
    RccStep step{representatives.data_term() + lambda / 2 * pairs, mu, lambda, 0};
    const NeighbourGraph graph(n, edges, line);
    step.solver_steps = representatives.solve(graph, lambda, context);
    steps.push_back(step);
    if (context.progress)
      context.progress->update(static_cast<std::int64_t>(steps.size()),
                               fmt::format("objective {:.6g}, mu {:.3g}", step.objective, mu));
    const bool same_scale = steps.size() > 1 && steps[steps.size() - 2].mu == mu &&
                            steps[steps.size() - 2].lambda == lambda;
    if (mu <= last_mu && same_scale &&
        std::abs(steps[steps.size() - 2].objective - step.objective) <=
            params.tolerance * step.objective)
      break;
    if (steps.size() % kIterationsPerScale == 0 && mu > last_mu) {
      mu = std::max(mu / 2, last_mu);
      lambda = lambda_of(graph);
    }
  }
  if (context.progress) context.progress->end();
  return steps;
}

/// Joins the edges by rising length while `more(length, sets)`.
template <class More>
std::vector<std::int32_t> join_shortest(std::int64_t rows, const std::vector<Edge>& edges,
                                        const std::vector<double>& squares, More&& more) {
  std::vector<std::size_t> order(edges.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return squares[a] < squares[b]; });
  DisjointSets sets(rows);
  for (const std::size_t e : order) {
    if (!more(std::sqrt(squares[e]), sets.sets())) break;
    sets.join(edges[e].first, edges[e].second);
  }
  return sets.labels();
}

std::vector<std::int64_t> sizes_of(const std::vector<std::int32_t>& labels) {
  return cluster_sizes(labels, *std::max_element(labels.begin(), labels.end()) + 1);
}

/// Groups of less than `smallest` rows go to the large group of the nearest mean. The labels as
/// they are where there are not two large ones.
std::vector<std::int32_t> give_small_away(const Matrix<float>& values,
                                          std::vector<std::int32_t> labels, std::int64_t smallest) {
  const std::vector<std::int64_t> sizes = sizes_of(labels);
  const auto count = static_cast<std::int64_t>(sizes.size());
  std::vector<std::int32_t> into(sizes.size(), -1);
  std::vector<std::int64_t> large;
  for (std::int64_t k = 0; k < count; ++k)
    if (sizes[k] >= smallest) {
      into[k] = static_cast<std::int32_t>(large.size());
      large.push_back(k);
    }
  if (large.size() < 2) return labels;
  const Matrix<float> means = means_of_labels(values, labels, count);
  parallel_for(count, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      if (sizes[k] >= smallest) continue;
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t l = 0; l < large.size(); ++l) {
        double distance = 0;
        for (std::int64_t d = 0; d < means.cols(); ++d) {
          const double step = means(k, d) - means(large[l], d);
          distance += step * step;
        }
        if (distance < least) {
          least = distance;
          into[k] = static_cast<std::int32_t>(l);
        }
      }
    }
  });
  for (std::int32_t& label : labels) label = into[label];
  return labels;
}

}  // namespace

const Fields<RccParams>& RccParams::fields() {
  static const Fields<RccParams> fields =
      Fields<RccParams>()
          .number("neighbours", &RccParams::neighbours, between(1, 1000),
                  "neighbours of each row in the graph")
          .choice("distance", &RccParams::distance,
                  {{"euclidean", RccDistance::euclidean}, {"cosine", RccDistance::cosine}},
                  "distance by which the graph's neighbours are found")
          .choice("scaling", &RccParams::scaling,
                  {{"none", RccScaling::none},
                   {"range", RccScaling::range},
                   {"standard", RccScaling::standard}},
                  "of each column: into [0, 1], or to mean 0 and variance 1")
          .number("max_iterations", &RccParams::max_iterations, between(1, 1e5),
                  "iterations of representatives and line process, at most")
          .number("tolerance", &RccParams::tolerance, between(0, 1),
                  "relative change of the objective at which to stop, at the last mu")
          .number("threshold", &RccParams::threshold, above(0),
                  "joins representatives nearer than this times the length of the shortest edges")
          .number("smallest_cluster", &RccParams::smallest_cluster, between(1, 1e9),
                  "rows; smaller groups go to the nearest, where the number of clusters is not "
                  "given");
  return fields;
}

Rcc::Rcc(RccParams params) : params_(params) { params_.validate(); }

Assignment Rcc::fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context) {
  check_clustering_input(features, clusters == 0 ? 2 : clusters);
  const DistinctRows distinct(features);
  Matrix<float> scaled_rows;
  ConstFeatures rows = distinct.features();
  if (params_.scaling != RccScaling::none) rows = scaled_rows = scaled(rows, params_.scaling);
  const std::vector<Edge> edges = graph_edges(rows, params_, context);
  Representatives representatives(rows);
  const Scales scales(representatives.squared_lengths(edges), rows.cols);
  steps_ = optimise(representatives, edges, scales, params_, context);

  const std::vector<double> squares = representatives.squared_lengths(edges);
  const double threshold = params_.threshold * scales.same_cluster;
  std::vector<std::int32_t> labels = join_shortest(
      rows.rows, edges, squares, [&](double length, std::int64_t) { return length <= threshold; });
  groups_ = static_cast<std::int64_t>(sizes_of(labels).size());
  const Matrix<float> values = representatives.values();
  if (clusters == 0) {
    labels = give_small_away(values, std::move(labels), params_.smallest_cluster);
    clusters = static_cast<std::int64_t>(sizes_of(labels).size());
    if (clusters == groups_ && (clusters < 2 || clusters > kMostGroups)) clusters = 2;
  }
  if (static_cast<std::int64_t>(sizes_of(labels).size()) != clusters) {
    const std::int64_t most = std::max(clusters, kMostGroups);
    labels = join_shortest(rows.rows, edges, squares, [&](double length, std::int64_t sets) {
      return sets > most || (length <= threshold && sets > clusters);
    });
    const std::vector<std::int64_t> sizes = sizes_of(labels);
    const auto into =
        merge_means(means_of_labels(values, labels, static_cast<std::int64_t>(sizes.size())), sizes,
                    clusters, MergeCost::ward, context);
    for (std::int32_t& label : labels) label = into[label];
  }
  model_ = LabelledRows(features, distinct.expand(labels), clusters);
  return model_.predict(features);
}

}  // namespace coterie
