#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

enum class PacDistance { sqeuclidean, cosine };
enum class PacWeight { p, p_to_m };

struct PacParams {
  double m = 1.03;                                  ///< fuzziness, above 1
  PacDistance distance = PacDistance::sqeuclidean;  ///< between rows
  PacWeight weight = PacWeight::p;                  ///< weight that a row lends to a cluster
  int restarts = 10;                                ///< the lowest objective is kept
  int block_rows = 64;      ///< rows updated at once, at most: `fit` takes no more than N / (10 K)
  int max_sweeps = 100;     ///< sweeps over all rows in a restart
  double tolerance = 1e-3;  ///< mean L1 change of a row at which to stop

  static const Fields<PacParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// What happened in one restart.
struct PacRestart {
  double objective = 0;         ///< eq. 1 at the end
  int sweeps = 0;               ///< sweeps done
  bool converged = false;       ///< the change fell below the tolerance
  std::vector<double> changes;  ///< mean L1 change of a row, for each sweep
};

/// Probability Aggregation Clustering (Yan, Lu, Yan: Deep Probability Aggregation Clustering,
/// section 3.3): clusters without centres. Each row's probabilities follow from the distances to
/// all other rows, weighted by theirs (eq. 8):
///
///     p_ik ~ s_ik^(-1/(m-1)),   s_ik = sum_j w_jk d_ij,   w = p or p^m
///
/// For squared Euclidean distance, and cosine distance, which is that on unit vectors, s_ik is
/// n_k |x_i|^2 - 2 x_i.S_k + Q_k with the running sums n_k = sum w_jk, S_k = sum w_jk x_j and
/// Q_k = sum w_jk |x_j|^2. A sweep takes O(N K D) time, and the fit O(N K + K D) memory beside the
/// rows. Rows are updated in small shuffled blocks; the sums follow each block. It pulls towards
/// clusters of equal size: look at the sizes.
///
///     Pac pac({.restarts = 5});
///     Assignment found = pac.fit(features, 10, {.seed = 0});
///     Assignment more = pac.predict(new_features);
class Pac {
 public:
  explicit Pac(PacParams params = {});

  /// Clusters the rows [N, D] into `clusters` groups. The result equals `predict(features)`.
  /// Throws UserError on bad input (see check_clustering_input), Interrupted when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});

  /// Probabilities and labels of rows [M, D] against the fitted sums (eq. 8).
  Assignment predict(ConstFeatures features) const;

  /// One run of algorithm 1 from given probabilities [N, K] (rows sum to 1), rows in the order
  /// given by `params.block_rows` blocks without shuffling. The probabilities as the sweeps leave
  /// them.
  Matrix<double> refine(ConstFeatures features, const Matrix<double>& start, int sweeps) const;

  std::int64_t clusters() const { return static_cast<std::int64_t>(weights_.size()); }
  const std::vector<PacRestart>& restarts() const { return restarts_; }
  int chosen_restart() const { return chosen_; }

  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  PacParams params_;
  std::vector<double> mean_;         // [D], what is taken off each row first
  std::vector<double> weights_;      // n_k
  std::vector<double> square_sums_;  // Q_k
  Matrix<double> sums_;              // S_k, [K, D]
  std::vector<PacRestart> restarts_;
  int chosen_ = 0;
};

}  // namespace coterie
