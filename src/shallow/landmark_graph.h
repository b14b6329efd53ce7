#pragma once

#include <cstdint>

#include "coterie/shallow/assignment.h"
#include "coterie/shallow/graph_eigenvectors.h"

namespace coterie {

struct LandmarkOptions {
  std::int64_t landmarks;   ///< p, at most the number of rows
  std::int64_t neighbours;  ///< landmarks by which a row is told, at most p
};

/// The smallest eigenvalues of the normalised Laplacian of W = Z' Z'^T, and their vectors (Chen and
/// Cai, Large Scale Spectral Clustering with Landmark-Based Representation, AAAI 2011). Row i of Z
/// is spread over the nearest of p landmarks, z_ij ~ exp(-d_ij^2 / (2 h^2)) with sum 1 (eq. 5), h^2
/// the mean of these d^2; Z' = Z diag(column sums)^(-1/2). W's rows sum to 1, so that its
/// eigenvectors are the left singular vectors of Z', which come from the p x p matrix Z'^T Z'.
/// `count` is cut to p. The landmarks are k-means centres of a sample of 20 p rows.
/// O(N p D + p^3) time, O(N neighbours + p^2) memory.
GraphEigenvectors landmark_eigenvectors(ConstFeatures features, const LandmarkOptions& options,
                                        std::int64_t count, const ShallowContext& context = {});

}  // namespace coterie
