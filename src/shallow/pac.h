#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/rows.h"

namespace coterie {

enum class PacDistance { sqeuclidean, cosine, euclidean };
enum class PacWeight { p, p_to_m };

struct PacParams {
  double m = 1.03;                                  ///< fuzziness, above 1; see Pac::fuzziness
  PacDistance distance = PacDistance::sqeuclidean;  ///< between rows
  PacWeight weight = PacWeight::p;                  ///< weight that a row lends to a cluster
  int restarts = 10;                                ///< the lowest objective is kept
  int sample_rows =
      10000;             ///< the restarts run on so many where there are twice as many; 0: on all
  int block_rows = 256;  ///< rows updated at once, at most; see pac_block_rows
  int max_sweeps = 100;  ///< sweeps over all rows in a restart
  double tolerance = 1e-3;  ///< mean L1 change of a row at which to stop

  static const Fields<PacParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// What happened in one run of algorithm 1.
struct PacRun {
  double objective = 0;         ///< eq. 1 at the end
  int sweeps = 0;               ///< sweeps done
  bool converged = false;       ///< the change fell below the tolerance in a sweep over all rows
  std::int64_t updates = 0;     ///< row updates done: rows that have settled are passed over
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
/// rows, which are read where they lie: they may be mapped from a file larger than memory. Plain
/// Euclidean distance has no such form: a sweep takes O(N^2 (K + D)) time, never O(N^2) memory, and
/// the model keeps the rows.
///
/// Rows are updated in small shuffled blocks; the sums follow each block. Rows whose probabilities
/// have settled are passed over; a sweep over all rows comes before the end. With many rows the
/// restarts run on a sample, and all rows start from the best one's probabilities. It pulls towards
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

  /// A warm start: one run over all rows from the probabilities [N, K] given, such as those that an
  /// earlier model predicts. Throws UserError where a row of them does not sum to 1.
  Assignment fit_from(ConstFeatures features, Matrix<float> start,
                      const ShallowContext& context = {});

  /// Probabilities and labels of rows [M, D] against the fitted sums (eq. 8).
  Assignment predict(ConstFeatures features) const;

  /// One run of algorithm 1 from given probabilities [N, K] (rows sum to 1), rows in blocks of
  /// `params.block_rows` without shuffling. The probabilities as the sweeps leave them.
  Matrix<double> refine(ConstFeatures features, const Matrix<double>& start, int sweeps) const;

  std::int64_t clusters() const;
  /// The m of the last fit: `params.m`, or less where rows that vary in many directions alike would
  /// stay between all clusters. From the uniform start, clusters grow along the direction with the
  /// largest share of the variance, by share / (m - 1) in a sweep (eq. 8, to first order), and not
  /// at all where that is below 1; so m - 1 is at most half of the share.
  double fuzziness() const { return m_; }
  /// One entry a restart, on the sample where one was taken.
  const std::vector<PacRun>& restarts() const { return restarts_; }
  int chosen_restart() const { return chosen_; }
  /// The run over all rows that followed the restarts on a sample, or `fit_from`'s.
  const std::optional<PacRun>& full_run() const { return full_run_; }
  /// Eq. 1 of the result over the rows that the last run saw.
  double objective() const;

  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  /// What eq. 8 needs to score a row.
  struct Model {
    std::vector<double> weights;      // n_k
    std::vector<double> square_sums;  // Q_k
    Matrix<double> sums;              // S_k, [K, D]
    Matrix<float> rows, lent;         // euclidean: the rows [N, D] and what they lend [N, K]
  };
  class Runner;

  PreparedRows prepare(ConstFeatures features);
  /// The parameters with the m of the last fit.
  PacParams fitted_params() const;
  void run_restarts(const PreparedRows& rows, std::int64_t clusters, double tolerance,
                    const ShallowContext& context);
  /// The run over all rows from `p`, whose memory the result takes.
  Assignment run_all(ConstFeatures features, const PreparedRows& rows, Matrix<float> p,
                     const ShallowContext& context);
  void predict_into(ConstFeatures features, Matrix<float>& p) const;

  PacParams params_;
  double m_ = 0;              // of the last fit
  std::vector<double> mean_;  // [D], what is taken off each row first
  Model model_;
  std::vector<PacRun> restarts_;
  std::optional<PacRun> full_run_;
  int chosen_ = 0;
};

/// The rows that a fit of `rows` into `clusters` updates at once: `most`, and never more than a
/// tenth of an average cluster, or (m - 1) / 3 of all. Rows that change together do not see each
/// other change: too many of a cluster at once, and all flip to and fro.
std::int64_t pac_block_rows(std::int64_t rows, std::int64_t clusters, double m, std::int64_t most);

}  // namespace coterie
