#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

enum class FuzzyDistance { sqeuclidean, cosine };
enum class FuzzyStart { plus_plus, random };

struct FuzzyCMeansParams {
  double m = 1.1;                                       ///< fuzziness, above 1
  FuzzyDistance distance = FuzzyDistance::sqeuclidean;  ///< between a row and a centre
  FuzzyStart start = FuzzyStart::plus_plus;             ///< first centres of a restart
  int restarts = 10;                                    ///< the lowest objective is kept
  int max_iterations = 300;                             ///< in a restart
  double tolerance = 1e-5;  ///< squared shift of the centres, relative to a column's variance

  static const Fields<FuzzyCMeansParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// What happened in one restart.
struct FuzzyCMeansRestart {
  double objective = 0;            ///< J_m at the centres that the restart ends with
  int iterations = 0;              ///< passes over the rows
  bool converged = false;          ///< the centres stood still
  std::vector<double> objectives;  ///< J_m at the centres that each iteration began with
};

/// Fuzzy c-means (Bezdek, Ehrlich, Full: FCM, the fuzzy c-means clustering algorithm, 1984):
/// k-means with graded memberships. It lowers J_m = sum_ik u_ik^m d_ik, d_ik = |x_i - c_k|^2, by
/// taking in turn (theorem 1 there)
///
///     u_ik ~ d_ik^(-1/(m-1)),   c_k = sum_i u_ik^m x_i / sum_i u_ik^m
///
/// Memberships are computed in logarithms, so m may come near to 1, where this is k-means. They are
/// used block by block and never kept: an iteration takes O(N K D) time by blocked products, the
/// fit O(K D) memory beside the rows. Cosine distance is the squared Euclidean one on unit vectors.
///
///     FuzzyCMeans fuzzy({.m = 1.5});
///     Assignment found = fuzzy.fit(features, 10, {.seed = 0});
class FuzzyCMeans {
 public:
  explicit FuzzyCMeans(FuzzyCMeansParams params = {});

  /// Clusters the rows [N, D]. The result equals `predict(features)`. Throws UserError on bad input
  /// (see check_clustering_input), Interrupted when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});

  /// One run from the given centres [K, D], which are in the coordinates of the data (of unit
  /// vectors where cosine).
  Assignment fit_from(ConstFeatures features, const Matrix<double>& centres,
                      const ShallowContext& context = {});

  /// The memberships of rows [M, D] at the fitted centres.
  Assignment predict(ConstFeatures features) const;

  std::int64_t clusters() const { return centres_.rows(); }
  /// [K, D], in the coordinates of the data (of unit vectors where cosine).
  Matrix<double> centres() const;
  const std::vector<FuzzyCMeansRestart>& restarts() const { return restarts_; }
  int chosen_restart() const { return chosen_; }

  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  /// From `start` in one run, or from a start of its own in every restart where it is null.
  Assignment run(ConstFeatures features, std::int64_t clusters, const Matrix<double>* start,
                 const ShallowContext& context);

  FuzzyCMeansParams params_;
  std::vector<double> mean_;  // [D], what is taken off each row first
  Matrix<double> centres_;    // [K, D], minus the mean
  std::vector<FuzzyCMeansRestart> restarts_;
  int chosen_ = 0;
};

}  // namespace coterie
