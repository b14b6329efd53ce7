#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

struct KMeansParams {
  int restarts = 10;         ///< k-means++ starts; the lowest inertia is kept
  int max_iterations = 300;  ///< Lloyd iterations in a restart
  double tolerance = 1e-4;   ///< squared shift of the centres, relative to a column's variance
  bool spherical = false;    ///< cluster the directions: rows and centres of unit length
  int batch_rows = 0;        ///< mini-batches of so many rows; 0: Lloyd over all rows

  static const Fields<KMeansParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// What happened in one restart.
struct KMeansRestart {
  double inertia = 0;         ///< sum of squared distances to the centres
  int iterations = 0;         ///< Lloyd iterations, or mini-batches, done
  std::int64_t measured = 0;  ///< rows whose distances were computed; the bounds spare the others
  bool converged = false;     ///< no label changed, or the centres stood still
  std::int64_t repaired = 0;  ///< empty clusters that were given the farthest row
};

/// k-means: Lloyd's iterations with Hamerly's bounds (see Lloyd) from greedy k-means++ starts (on a
/// sample of the rows where they are many). A cluster that runs empty takes the row farthest from
/// its centre. Distances come from blocked matrix products: at most O(N K D) an iteration,
/// O(N + K D) memory beside the rows. With `batch_rows`, mini-batches move the centres first
/// (Sculley: Web-scale k-means clustering, 2010), and one iteration over all rows ends the run.
///
/// The probabilities are the memberships of fuzzy c-means with m = 2, p_k ~ 1 / |x - c_k|^2: they
/// rank how sure a label is and need no scale.
///
///     KMeans kmeans({.restarts = 3});
///     Assignment found = kmeans.fit(features, 10, {.seed = 0});
class KMeans {
 public:
  explicit KMeans(KMeansParams params = {});

  /// Clusters the rows [N, D]. The result equals `predict(features)`. Throws UserError on bad input
  /// (see check_clustering_input), Interrupted when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});
  /// Lloyd's iterations from the given centres [K, D] instead of k-means++ starts.
  Assignment fit_from(ConstFeatures features, const Matrix<double>& centres,
                      const ShallowContext& context = {});
  Assignment predict(ConstFeatures features) const;

  std::int64_t clusters() const { return centres_.rows(); }
  /// [K, D], in the coordinates of the data (of unit vectors where spherical).
  Matrix<double> centres() const;
  const std::vector<KMeansRestart>& restarts() const { return restarts_; }
  int chosen_restart() const { return chosen_; }

  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  /// From `start` in one run, or from k-means++ in every restart where it is null.
  Assignment run(ConstFeatures features, std::int64_t clusters, const Matrix<double>* start,
                 const ShallowContext& context);

  KMeansParams params_;
  std::vector<double> mean_;  // [D], what is taken off each row first
  Matrix<double> centres_;    // [K, D], minus the mean
  std::vector<KMeansRestart> restarts_;
  int chosen_ = 0;
};

}  // namespace coterie
