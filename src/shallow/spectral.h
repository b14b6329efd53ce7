#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/labelled_rows.h"

namespace coterie {

enum class SpectralGraph { automatic, neighbours, landmarks };
enum class SpectralAffinity { connectivity, self_tuning };

struct SpectralParams {
  SpectralGraph graph = SpectralGraph::automatic;              ///< landmarks above 200,000 rows
  int neighbours = 10;                                         ///< of each row in the graph
  SpectralAffinity affinity = SpectralAffinity::connectivity;  ///< weights of its edges
  int scale_neighbour = 7;      ///< the neighbour whose distance is a row's scale: self_tuning
  int landmarks = 1000;         ///< k-means centres that stand for the rows
  int landmark_neighbours = 5;  ///< landmarks by which a row is told
  int max_clusters = 20;        ///< looked for where the number of clusters is not given
  int restarts = 10;            ///< of k-means in the embedding

  static const Fields<SpectralParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// K at the largest gap: the k from 2 on for which eigenvalues[k] - eigenvalues[k - 1] is largest,
/// the first of equals (von Luxburg 2007, section 8.3). `eigenvalues` of the normalised Laplacian
/// rise; throws UserError where there are fewer than three.
std::int64_t clusters_by_eigengap(std::span<const double> eigenvalues);

/// Spectral clustering (Ng, Jordan and Weiss, On Spectral Clustering, 2002; von Luxburg, A Tutorial
/// on Spectral Clustering, 2007): a graph of nearest neighbours with weights W, its normalised
/// Laplacian
///
///     L = I - D^(-1/2) W D^(-1/2),   D = diag(sum_j W_ij),
///
/// the eigenvectors of its K smallest eigenvalues as columns, their rows of unit length, and
/// k-means on those. `connectivity` gives mutual neighbours weight 1 and others 1/2; `self_tuning`
/// gives exp(-d_ij^2 / (s_i s_j)) where s_i is the distance to row i's seventh neighbour
/// (Zelnik-Manor and Perona, Self-Tuning Spectral Clustering, 2004, eq. 3).
///
/// With landmarks the graph is W = Z' Z'^T, where each row's Z is spread over its nearest k-means
/// centres and Z' = Z diag(column sums)^(-1/2) (Chen and Cai, Large Scale Spectral Clustering with
/// Landmark-Based Representation, 2011, eqs. 4 to 7): O(N p D) time instead of O(N^2 D).
///
/// Time: the neighbours, O(N^2 D), then O(N K (K + neighbours)) a step of the eigensolver, about
/// twenty steps. Memory: O(N (D + K + neighbours)). K = 0 takes K at the largest gap.
///
///     Spectral spectral({.neighbours = 15});
///     Assignment found = spectral.fit(features, 10, {.seed = 0});
class Spectral {
 public:
  explicit Spectral(SpectralParams params = {});

  /// Clusters the rows [N, D]; `clusters` = 0 finds their number. The result equals
  /// `predict(features)`. Throws UserError on bad input (see check_clustering_input), Interrupted
  /// when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});
  /// The label of the nearest row of the fit.
  Assignment predict(ConstFeatures features) const { return model_.predict(features); }

  std::int64_t clusters() const { return model_.clusters(); }
  /// Of L, rising from 0: K + 1 of them, or `max_clusters` + 1 where K was 0; fewer where there are
  /// not so many rows.
  const std::vector<double>& eigenvalues() const { return eigenvalues_; }

  TensorMap save() const { return model_.save(); }
  void load(const TensorMap& tensors) { model_ = LabelledRows::load(tensors, "spectral"); }

 private:
  SpectralParams params_;
  std::vector<double> eigenvalues_;
  LabelledRows model_;
};

}  // namespace coterie
