#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

enum class PamDistance { euclidean, sqeuclidean, cosine };

struct PamParams {
  PamDistance distance = PamDistance::euclidean;  ///< between rows
  int max_passes = 100;                           ///< passes over all rows in search of swaps
  int max_rows = 20000;                           ///< with more rows, medoids are sought in samples
  int samples = 5;                                ///< of them, the best on all rows is kept
  int sample_rows = 4000;                         ///< rows in a sample, at least 40 + 2 K

  static const Fields<PamParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// What happened on one sample, or on all rows where they are not sampled.
struct PamSearch {
  std::int64_t rows = 0;       ///< rows searched
  double start_deviation = 0;  ///< sum of distances to the medoids after BUILD, on these rows
  double deviation = 0;        ///< the same at the end
  double total_deviation = 0;  ///< at the end, on all rows
  std::int64_t swaps = 0;      ///< medoids exchanged for other rows
  int passes = 0;
  bool converged = false;  ///< no swap lowers the deviation
};

/// Partitioning around medoids: K rows of the data as medoids, each row with the nearest, so that
/// the sum of distances (the total deviation) is low. The start is BUILD (Kaufman and Rousseeuw
/// 1990, Finding groups in data, chapter 2): one medoid after another, each the row that lowers the
/// sum most. Then swaps of a medoid for a row as in FasterPAM (Schubert and Rousseeuw 2021, Fast
/// and eager k-medoids clustering, algorithm 3): what a row x would save against every medoid i at
/// once,
///
///     saving(i, x) = -loss(i) + sum_j [ d_j - d(j, x) where x is nearer than the nearest medoid;
///         and for the nearest medoid i of j: + d2_j - d_j there, else max(0, d2_j - d(j, x)) ]
///
/// with d_j and d2_j the distances of row j to its nearest and second medoid and loss(i) the sum of
/// d2_j - d_j over the rows of i; the best swap is made as soon as one saves. O(N^2) a pass, and
/// the N (N - 1) / 2 distances in float. Unlike k-means it is little moved by far rows, and each
/// medoid is a row that can be shown.
///
/// Above `max_rows` it is CLARA (Kaufman and Rousseeuw 1990, chapter 3): medoids of a few random
/// samples, the best of the samples so far taken into the next; those with the lowest total
/// deviation on all rows are kept, which costs O(N K D) a sample.
///
///     Pam pam;
///     Assignment found = pam.fit(features, 10);
///     std::vector<std::int64_t> shown = pam.medoid_rows();
class Pam {
 public:
  explicit Pam(PamParams params = {});

  /// Clusters the rows [N, D]. The result equals `predict(features)`. Throws UserError on bad input
  /// (see check_clustering_input) or too little memory, Interrupted when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});
  /// The nearest medoid. Probabilities p_k ~ 1 / |x - medoid_k|^2, as for KMeans.
  Assignment predict(ConstFeatures features) const;

  std::int64_t clusters() const { return medoids_.rows(); }
  /// [K], rows of the features that `fit` saw; empty after `load`.
  const std::vector<std::int64_t>& medoid_rows() const { return medoid_rows_; }
  /// [K, D], in the coordinates of the data (unit vectors for cosine distance).
  const Matrix<double>& medoids() const { return medoids_; }
  const std::vector<PamSearch>& searches() const { return searches_; }
  int chosen_search() const { return chosen_; }
  double total_deviation() const { return searches_.at(chosen_).total_deviation; }

  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  PamParams params_;
  Matrix<double> medoids_;
  std::vector<std::int64_t> medoid_rows_;
  std::vector<PamSearch> searches_;
  int chosen_ = 0;
};

}  // namespace coterie
