#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/labelled_rows.h"

namespace coterie {

enum class FinchDistance { euclidean, cosine };

struct FinchParams {
  FinchDistance distance = FinchDistance::euclidean;  ///< between rows, and between means
  int silhouette_rows = 2000;                         ///< rows by which a level is judged

  static const Fields<FinchParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// One partition of the hierarchy.
struct FinchLevel {
  std::vector<std::int32_t> labels;  ///< [N]
  std::vector<std::int64_t> sizes;   ///< rows of each cluster
  /// Sampled silhouette; not a number where it was not asked for.
  double silhouette = std::numeric_limits<double>::quiet_NaN();

  std::int64_t clusters() const { return static_cast<std::int64_t>(sizes.size()); }
};

/// FINCH (Sarfraz, Sharma and Stiefelhagen, Efficient Parameter-free Clustering Using First
/// Neighbor Relations, CVPR 2019): rows i and j are linked where one is the other's first neighbour
/// or both have the same (eq. 1),
///
///     A(i, j) = 1 where j = n(i) or n(j) = i or n(i) = n(j),
///
/// the clusters are the connected parts, and the same step on their means gives the next level,
/// with half as many clusters or fewer, until one is left. No parameter. With K asked, the level
/// with the fewest clusters above K is taken and its two nearest means merge, one pair at a time
/// (algorithm 2); above the first level's count this starts from single rows. With K = 0 the level
/// of the highest sampled silhouette is taken, among those of 2 to sqrt(N) clusters.
///
/// Time: the first neighbours, O(N^2 D) exact; each merge O(C D) for C clusters. Memory: O(N D).
///
///     Finch finch;
///     Assignment found = finch.fit(features, 0, {.seed = 0});
///     for (const FinchLevel& level : finch.levels()) use(level.clusters(), level.silhouette);
class Finch {
 public:
  explicit Finch(FinchParams params = {});

  /// Clusters the rows [N, D]; `clusters` = 0 chooses a level. The result equals
  /// `predict(features)`. Throws UserError on bad input (see check_clustering_input), Interrupted
  /// when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});
  /// The label of the nearest row of the fit.
  Assignment predict(ConstFeatures features) const { return model_.predict(features); }

  std::int64_t clusters() const { return model_.clusters(); }
  /// Of the last fit, from the finest on; those of two clusters or more.
  const std::vector<FinchLevel>& levels() const { return levels_; }
  /// The level that was taken, or from which merging began; -1 where that was single rows.
  int chosen_level() const { return chosen_; }

  TensorMap save() const { return model_.save(); }
  void load(const TensorMap& tensors) { model_ = LabelledRows::load(tensors, "FINCH"); }

 private:
  void build_levels(ConstFeatures features, const std::vector<std::int64_t>& first_equal,
                    const ShallowContext& context);
  /// -1 where there is no level.
  int choose_by_silhouette(ConstFeatures features, const ShallowContext& context);

  FinchParams params_;
  std::vector<FinchLevel> levels_;
  int chosen_ = -1;
  LabelledRows model_;
};

}  // namespace coterie
