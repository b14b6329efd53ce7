#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/agglomerative.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

// The parts that agglomerative clustering and the consensus of label sets share.

/// Two items whose clusters were merged, and the height of that merge.
struct Join {
  std::int64_t a = 0;
  std::int64_t b = 0;
  double height = 0;
};

/// The merges that joins of `items` items amount to, lowest first; equal heights keep their order.
/// An item stands for one row.
std::vector<Merge> merges_of(std::vector<Join> joins, std::int64_t items);

/// Clusters in slots 0..slots()-1 that are merged pair by pair.
class MergeSpace {
 public:
  struct Nearest {
    std::int32_t slot = -1;
    double distance = std::numeric_limits<double>::infinity();
    std::uint64_t order = 0;  ///< decides between equal distances

    bool operator<(const Nearest& other) const {
      return distance < other.distance || (distance == other.distance && order < other.order);
    }
  };
  struct Pair {
    std::int32_t kept;  ///< holds the merged cluster
    std::int32_t gone;
  };

  explicit MergeSpace(std::int64_t slots) : born_(static_cast<std::size_t>(slots)) {}
  virtual ~MergeSpace() = default;

  std::int64_t slots() const { return static_cast<std::int64_t>(born_.size()); }
  /// Writes the nearest other cluster of each slot in `queries` to `nearest[slot]`.
  virtual void search(std::span<const std::int32_t> queries, std::vector<Nearest>& nearest,
                      const ShallowContext& context) = 0;
  virtual void merge(std::span<const Pair> pairs) = 0;
  /// The height of a merge at the distance that `search` gave.
  virtual double height(double distance) const { return distance; }

  void start_round() { ++round_; }

 protected:
  void mark_new(std::int32_t slot) { born_[slot] = round_; }
  /// An order of pairs for equal distances. A pair with a newer cluster comes later, so that a
  /// stored nearest stays the nearest; the rest is scattered, so that rows on a grid, all as near
  /// as each other, form many reciprocal pairs and not one chain.
  std::uint64_t order(std::int32_t a, std::int32_t b) const;

 private:
  std::vector<std::uint32_t> born_;  // the round that made a slot's cluster
  std::uint32_t round_ = 0;
};

/// Merges until one cluster is left: slots() - 1 joins.
std::vector<Join> merge_in_rounds(MergeSpace& space, const ShallowContext& context);

/// All pairs' distances of `items` items, lower triangle, uninitialised.
class PairDistances {
 public:
  /// Throws UserError where memory does not suffice; `remedy` says what to do then.
  PairDistances(std::int64_t items, std::string_view remedy);

  std::int64_t items() const { return items_; }
  /// Distances to the items before i.
  float* row(std::int64_t i) { return values_.get() + i * (i - 1) / 2; }
  const float* row(std::int64_t i) const { return values_.get() + i * (i - 1) / 2; }
  float& operator()(std::int64_t i, std::int64_t j) { return i > j ? row(i)[j] : row(j)[i]; }
  float operator()(std::int64_t i, std::int64_t j) const { return i > j ? row(i)[j] : row(j)[i]; }

 private:
  std::int64_t items_;
  std::unique_ptr<float[]> values_;
};

/// Fills in the Euclidean distances of these rows, on all threads.
void euclidean_distances(ConstFeatures features, std::span<const std::int64_t> rows,
                         PairDistances& distances, const ShallowContext& context);

/// Average (or complete, where `complete`) linkage of items of the given weights. The distances are
/// used up.
std::vector<Join> link_pairs(PairDistances& distances, std::vector<double> weights, bool complete,
                             const ShallowContext& context);

/// Ward's linkage of the rows `rows` of `features`, row r standing for weights[r] equal ones.
std::vector<Join> link_ward(ConstFeatures features, std::span<const std::int64_t> rows,
                            std::vector<double> weights, const ShallowContext& context);

/// Single linkage of these rows: the edges of the minimum spanning tree.
std::vector<Join> link_single(ConstFeatures features, std::span<const std::int64_t> rows,
                              const ShallowContext& context);

/// Average or complete linkage of these rows under Euclidean distance.
std::vector<Join> link_rows(ConstFeatures features, std::span<const std::int64_t> rows,
                            std::vector<double> weights, bool complete,
                            const ShallowContext& context);

}  // namespace coterie
