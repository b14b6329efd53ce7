#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/shallow/neighbours.h"

namespace coterie {

/// Disjoint sets of the numbers 0..N-1 (union by size, path halving).
class DisjointSets {
 public:
  explicit DisjointSets(std::int64_t count);
  std::int64_t find(std::int64_t item);
  /// False where both were in one set already.
  bool join(std::int64_t a, std::int64_t b);
  std::int64_t sets() const { return sets_; }
  /// Which set each item is in, [N]: numbers from 0 in the order of the sets' first items.
  std::vector<std::int32_t> labels();

 private:
  std::vector<std::int64_t> parent_;
  std::vector<std::int64_t> size_;
  std::int64_t sets_;
};

/// Two rows that are neighbours; `first` < `second`.
struct Edge {
  std::int64_t first;
  std::int64_t second;
  float distance;  ///< squared
  bool mutual;     ///< each is among the other's nearest
};

/// The pairs in which one row at least is among the other's nearest, each once, by rising (first,
/// second). O(N count log N).
std::vector<Edge> neighbour_edges(const Neighbours& neighbours);

/// For each edge whether it belongs to a spanning forest of least total length (Kruskal).
std::vector<bool> spanning_forest(std::int64_t rows, std::span<const Edge> edges);

/// A sparse symmetric matrix [N, N], both halves stored, row after row.
struct NeighbourGraph {
  /// Entry e of `edges` gets weights[e]; entries of weight 0 are stored too.
  NeighbourGraph(std::int64_t rows, std::span<const Edge> edges, std::span<const double> weights);

  std::int64_t rows() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  /// Sum of each row's weights, [N].
  std::vector<double> degrees() const;

  std::vector<std::int64_t> offsets;  ///< [N + 1], where a row's entries begin
  std::vector<std::int32_t> columns;  ///< of each entry, rising in a row
  std::vector<double> weights;        ///< of each entry
};

}  // namespace coterie
