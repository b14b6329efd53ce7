#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/params.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

// The consensus of several clusterings of the same rows: one clustering that agrees with them.
//
// A label set gives each of N rows a number; numbers need not match between the sets, may have
// gaps, and the sets may have different numbers of clusters. Rows that all sets treat alike (equal
// tuples of labels) are one object with a weight, so the search depends on the number T of
// different tuples, what is left for each row is linear in N, and no N x N matrix exists. Below M
// is the number of sets and L the number of clusters in all.
//
// All functions throw UserError where there are no sets, their lengths differ, a label is negative,
// or `clusters` is not 2 to T, and Interrupted when cancelled.

using LabelSets = std::span<const std::vector<std::int32_t>>;

struct RotationParams {
  int max_passes = 50;        ///< updates of H, R and alpha
  double tolerance = 1e-6;    ///< relative change of the loss at which to stop
  bool unit_columns = false;  ///< columns of candidates at length 1, and alpha found once
  bool aligned_start = true;  ///< R_i from aligning each candidate with the first; else R_i = I
  int restarts = 10;          ///< k-means++ starts on the rows of H

  static const Fields<RotationParams>& fields();
  void validate() const { fields().validate(*this); }
};

struct RotationConsensus {
  std::vector<std::int32_t> labels;       ///< [N], in 0..clusters-1
  Matrix<double> embedding;               ///< H, [N, W]; W is the largest number of clusters
  std::vector<Matrix<double>> rotations;  ///< R_i, [K_i, W]: its rows that meet clusters of Y_i
  std::vector<double> alpha;              ///< weight of each candidate; they sum to 1
  std::vector<double> losses;             ///< eq. 3 after each pass; never rises
  bool converged = false;

  int passes() const { return static_cast<int>(losses.size()); }
};

/// Rotation-aligned consensus (Liang, Dong, Yang, Zhou: Jointly Learn the Base Clustering and
/// Ensemble for Deep Image Clustering, eqs. 3 and 5-10): over H with H'H = I, orthogonal R_i and
/// weights that sum to 1, it lowers
///
///     sum_i alpha_i^2 |H - Y_i R_i|_F^2
///
/// and then clusters the rows of H by k-means. With A = sum_i alpha_i^2 Y_i R_i, H is the polar
/// factor A (A'A)^(-1/2) (eq. 6), through the W x W matrix A'A; R_i that of Y_i'H (eq. 8); alpha_i
/// is proportional to 1 / |H - Y_i R_i|^2 (eq. 10). A pass takes O(T W M + T W^2 + M W^3), k-means
/// in the end O(N W^2) a step.
/// Directions that no candidate fills (empty clusters, W above the rank) stay zero in H.
///
/// K-means sees H in the K strongest directions of A, which is all of it where W = K.
///
/// As |Y_i|^2 = N against |H|^2 = W, all distances are nearly equal, and alpha is about 1 / M. With
/// `unit_columns` |Y_i|^2 is K_i, so that it says which candidates are far from the others, and
/// large and small clusters count alike. H could then equal one candidate, at a loss of 0 with
/// alpha on that one alone, which is where eq. 10 in each pass ends; so alpha stays at 1 / M until
/// H stands still (or half of the passes are done), is found by eq. 10 once, and H follows it.
RotationConsensus rotation_consensus(LabelSets sets, std::int64_t clusters,
                                     const RotationParams& params = {},
                                     const ShallowContext& context = {});
/// The same of soft candidates, Y_i [N, K_i] of non-negative numbers; every row is an object.
RotationConsensus rotation_consensus(std::span<const Matrix<float>> candidates,
                                     std::int64_t clusters, const RotationParams& params = {},
                                     const ShallowContext& context = {});

/// Evidence accumulation (Fred and Jain 2005, Combining multiple clusterings using evidence
/// accumulation): average linkage under the share of sets that separate two rows. O(T^2 M) time and
/// T (T - 1) / 2 floats; throws UserError where they do not fit into memory.
std::vector<std::int32_t> coassociation_consensus(LabelSets sets, std::int64_t clusters,
                                                  const ShallowContext& context = {});

// The three of Strehl and Ghosh 2002, Cluster ensembles - a knowledge reuse framework for combining
// multiple partitions, section 3. The authors cut their graphs with METIS and hMETIS; here:

/// CSPA (section 3.1), with a normalised spectral cut: the similarity of two rows, the share of
/// sets that join them, is Z Z' / M for the N x L table Z of clusters, so its leading eigenvectors
/// come from an L x L matrix. Then k-means on their rows (Ng, Jordan, Weiss 2001). O(T M^2 + L^3).
std::vector<std::int32_t> cspa_consensus(LabelSets sets, std::int64_t clusters,
                                         const ShallowContext& context = {});

/// HGPA (section 3.2): parts of at most 1.05 N / K rows (more where one tuple is heavier) that cut
/// few hyperedges; a cluster of any set is a hyperedge and costs its number of parts less 1. Moves
/// of one tuple after Fiduccia and Mattheyses 1982, from every set and from eight random starts. It
/// suits clusters of equal size only, and to sets that nearly agree: where every cluster of one set
/// meets all of another, all cuts cost alike.
std::vector<std::int32_t> hgpa_consensus(LabelSets sets, std::int64_t clusters,
                                         const ShallowContext& context = {});

/// MCLA (section 3.3): clusters of all sets are grouped by average linkage of 1 - Jaccard
/// similarity into K meta-clusters; a row goes to the one that holds most of its clusters,
/// relative to the size of the meta-cluster. A meta-cluster may win no row: fewer than K labels
/// are used then. O(T M^2 + L^2) and the linkage of L items.
std::vector<std::int32_t> mcla_consensus(LabelSets sets, std::int64_t clusters,
                                         const ShallowContext& context = {});

enum class ConsensusMethod { rotation, coassociation, cspa, hgpa, mcla };

/// Labels by the method of that name with its default parameters.
std::vector<std::int32_t> consensus_labels(ConsensusMethod method, LabelSets sets,
                                           std::int64_t clusters,
                                           const ShallowContext& context = {});

/// Mean of the (geometric) NMI of `labels` to each set: Strehl and Ghosh's objective, eq. 4.
double mean_nmi(std::span<const std::int32_t> labels, LabelSets sets);

/// The candidate with the highest mean NMI to the sets; the first of equals. Throws UserError where
/// there are none.
std::size_t best_candidate(LabelSets candidates, LabelSets sets);

}  // namespace coterie
