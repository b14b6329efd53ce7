#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

enum class Covariance { diagonal, full };

struct GaussianMixtureParams {
  Covariance covariance = Covariance::diagonal;  ///< shape of a component
  int restarts = 3;              ///< k-means starts; the highest log-likelihood is kept
  int max_iterations = 200;      ///< EM iterations in a restart
  double tolerance = 1e-4;       ///< gain in log-likelihood of a row, on average, at which to stop
  double regularisation = 1e-6;  ///< variance round each row, relative to the column's variance

  static const Fields<GaussianMixtureParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// What happened in one restart.
struct GaussianMixtureRestart {
  double log_likelihood = 0;            ///< of all rows, at the end
  double bic = 0;                       ///< -2 log_likelihood + parameters * ln N; lower is better
  double aic = 0;                       ///< -2 log_likelihood + parameters * 2
  int iterations = 0;                   ///< EM iterations done
  bool converged = false;               ///< the gain fell below the tolerance
  std::vector<double> log_likelihoods;  ///< at the model that each iteration began with
};

/// Weights, means and covariances of K Gaussians.
struct Mixture {
  std::vector<double> weights;  ///< [K], sum to 1
  Matrix<double> means;         ///< [K, D]
  Matrix<double> covariances;   ///< [K, D] diagonals, or [K * D, D] matrices one below the other
};

/// Mixture of Gaussians by expectation maximisation (Dempster, Laird, Rubin: Maximum likelihood
/// from incomplete data via the EM algorithm, 1977), from k-means starts:
///
///     r_ik ~ pi_k N(x_i; mu_k, S_k),  pi_k = mean_i r_ik,  mu_k, S_k: mean and covariance
///     of the rows with weights r_ik,  S_k + reg * diag(variance of the columns)
///
/// The last term makes each row a small cloud of its own. Its consistent likelihood has
/// log N(x; mu, S) - reg/2 * tr(S^-1 diag(variance)) for each component, the mean log density over
/// the cloud; that one is used throughout, so no iteration lowers the log-likelihood, and a
/// component of one row, or of fewer rows than columns, stays finite.
///
/// An iteration takes O(N K D) time and O(K D) memory with diagonal covariances, O(N K D^2) and
/// O(K D^2) with full ones; with these reduce the columns first where they are many.
///
///     GaussianMixture mixture({.covariance = Covariance::full});
///     Assignment found = mixture.fit(features, 10, {.seed = 0});
///     double bic = mixture.restarts()[mixture.chosen_restart()].bic;
class GaussianMixture {
 public:
  explicit GaussianMixture(GaussianMixtureParams params = {});

  /// Clusters the rows [N, D]. The result equals `predict(features)`. Throws UserError on bad input
  /// (see check_clustering_input) or where the memory is too small, Interrupted when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});

  /// The posteriors r_ik of rows [M, D].
  Assignment predict(ConstFeatures features) const;

  std::int64_t clusters() const { return mixture_.means.rows(); }
  /// In the coordinates of the data.
  Mixture mixture() const;
  const std::vector<GaussianMixtureRestart>& restarts() const { return restarts_; }
  int chosen_restart() const { return chosen_; }

  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  GaussianMixtureParams params_;
  std::vector<double> mean_;   // [D], what is taken off each row first
  std::vector<double> cloud_;  // [D], variance round each row
  Mixture mixture_;            // means minus the mean
  std::vector<GaussianMixtureRestart> restarts_;
  int chosen_ = 0;
};

}  // namespace coterie
