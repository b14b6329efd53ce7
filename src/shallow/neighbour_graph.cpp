#include "coterie/shallow/neighbour_graph.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace coterie {

DisjointSets::DisjointSets(std::int64_t count)
    : parent_(static_cast<std::size_t>(count)),
      size_(static_cast<std::size_t>(count), 1),
      sets_(count) {
  std::iota(parent_.begin(), parent_.end(), std::int64_t{0});
}

std::int64_t DisjointSets::find(std::int64_t item) {
  while (parent_[item] != item) item = parent_[item] = parent_[parent_[item]];
  return item;
}

bool DisjointSets::join(std::int64_t a, std::int64_t b) {
  a = find(a);
  b = find(b);
  if (a == b) return false;
  if (size_[a] < size_[b]) std::swap(a, b);
  parent_[b] = a;
  size_[a] += size_[b];
  --sets_;
  return true;
}

std::vector<std::int32_t> DisjointSets::labels() {
  std::vector<std::int32_t> number(parent_.size(), -1), labels(parent_.size());
  std::int32_t next = 0;
  for (std::size_t i = 0; i < parent_.size(); ++i) {
    std::int32_t& known = number[find(static_cast<std::int64_t>(i))];
    if (known < 0) known = next++;
    labels[i] = known;
  }
  return labels;
}

std::vector<Edge> neighbour_edges(const Neighbours& neighbours) {
  std::vector<Edge> edges;
  edges.reserve(static_cast<std::size_t>(neighbours.rows.size()));
  for (std::int64_t i = 0; i < neighbours.rows.rows(); ++i)
    for (std::int64_t c = 0; c < neighbours.rows.cols(); ++c) {
      const std::int64_t j = neighbours.rows(i, c);
      edges.push_back({std::min(i, j), std::max(i, j), neighbours.distances(i, c), false});
    }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    return std::tie(a.first, a.second) < std::tie(b.first, b.second);
  });
  // A pair that was found from both sides stands twice, side by side.
  std::size_t kept = 0;
  for (const Edge& edge : edges) {
    if (kept > 0 && edges[kept - 1].first == edge.first && edges[kept - 1].second == edge.second)
      edges[kept - 1].mutual = true;
    else
      edges[kept++] = edge;
  }
  edges.resize(kept);
  return edges;
}

std::vector<bool> spanning_forest(std::int64_t rows, std::span<const Edge> edges) {
  std::vector<std::size_t> order(edges.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return edges[a].distance < edges[b].distance;
  });
  DisjointSets sets(rows);
  std::vector<bool> in_forest(edges.size());
  for (const std::size_t e : order) in_forest[e] = sets.join(edges[e].first, edges[e].second);
  return in_forest;
}

NeighbourGraph::NeighbourGraph(std::int64_t rows, std::span<const Edge> edges,
                               std::span<const double> edge_weights)
    : offsets(static_cast<std::size_t>(rows + 1)),
      columns(2 * edges.size()),
      weights(2 * edges.size()) {
  for (const Edge& edge : edges) {
    ++offsets[edge.first + 1];
    ++offsets[edge.second + 1];
  }
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  std::vector<std::int64_t> next(offsets.begin(), offsets.end() - 1);
  const auto put = [&](std::int64_t row, std::int64_t column, double weight) {
    columns[next[row]] = static_cast<std::int32_t>(column);
    weights[next[row]++] = weight;
  };
  // Edges rise by (first, second): the lower half of every row first, then the upper one.
  for (std::size_t e = 0; e < edges.size(); ++e)
    put(edges[e].second, edges[e].first, edge_weights[e]);
  for (std::size_t e = 0; e < edges.size(); ++e)
    put(edges[e].first, edges[e].second, edge_weights[e]);
}

std::vector<double> NeighbourGraph::degrees() const {
  std::vector<double> sums(static_cast<std::size_t>(rows()));
  for (std::int64_t i = 0; i < rows(); ++i)
    for (std::int64_t e = offsets[i]; e < offsets[i + 1]; ++e) sums[i] += weights[e];
  return sums;
}

}  // namespace coterie
