#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/labelled_rows.h"

namespace coterie {

enum class Linkage { ward, average, complete, single };

struct AgglomerativeParams {
  Linkage linkage = Linkage::ward;  ///< how far two clusters are from each other

  static const Fields<AgglomerativeParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// One step of a dendrogram. Clusters are numbered as in scipy.cluster.hierarchy: row i is cluster
/// i, and merge m of N rows makes cluster N + m.
struct Merge {
  std::int64_t a = 0;     ///< the lower number of the two
  std::int64_t b = 0;     ///< the higher
  double height = 0;      ///< distance of the two, never below that of an earlier merge
  std::int64_t size = 0;  ///< rows in the new cluster
};

/// The dendrogram of the rows [N, D]: N - 1 merges in the order of their heights. Throws UserError
/// on bad input or too little memory, Interrupted when cancelled. See Agglomerative for the cost.
std::vector<Merge> dendrogram(ConstFeatures features, Linkage linkage,
                              const ShallowContext& context = {});

/// The labels [N] that the first N - `clusters` of N - 1 merges leave, numbered by the first row of
/// each cluster. Throws UserError unless 1 <= clusters <= N.
std::vector<std::int32_t> cut_dendrogram(std::span<const Merge> merges, std::int64_t clusters);

/// The text of a csv file with the columns a, b, height, size.
std::string dendrogram_csv(std::span<const Merge> merges);

/// Agglomerative hierarchical clustering: every row starts as a cluster of its own, and the two
/// nearest clusters are merged until K are left. Distances of clusters A and B, of n_A and n_B
/// rows:
///
///     ward      sqrt(2 n_A n_B / (n_A + n_B)) |mean_A - mean_B|     (Ward 1963)
///     average   mean of |x - y| over x in A, y in B
///     complete  the largest such |x - y|
///     single    the smallest
///
/// For all four, a pair of clusters that are each other's nearest may be merged at once, and the
/// order of such merges does not change the dendrogram (Murtagh 1983, A survey of recent advances
/// in hierarchical clustering algorithms, section 3; Muellner 2011, Modern hierarchical,
/// agglomerative clustering algorithms). So the work goes in rounds: every reciprocal pair is
/// merged, and only clusters that are new or lost their nearest search again, many in one matrix
/// product. That is O(N^2 D) time. Ward keeps means and sizes, O(N D) memory; products in float
/// propose the nearest, with a bound on their error, and double decides. Single linkage is the
/// minimum spanning tree, by Prim's algorithm in O(N D) memory. Average and complete linkage keep
/// the N (N - 1) / 2 distances in float.
///
///     Agglomerative ward;
///     Assignment found = ward.fit(features, 10);
///     write_file("tree.csv", dendrogram_csv(ward.merges()));
class Agglomerative {
 public:
  explicit Agglomerative(AgglomerativeParams params = {});

  /// Clusters the rows [N, D]. The result equals `predict(features)`. The same rows give the same
  /// result whatever the seed. Throws UserError on bad input (see check_clustering_input),
  /// Interrupted when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});
  /// The label of the nearest fitted row (see LabelledRows).
  Assignment predict(ConstFeatures features) const;

  std::int64_t clusters() const { return model_.clusters(); }
  const std::vector<Merge>& merges() const { return merges_; }

  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  AgglomerativeParams params_;
  std::vector<Merge> merges_;
  LabelledRows model_;
};

}  // namespace coterie
