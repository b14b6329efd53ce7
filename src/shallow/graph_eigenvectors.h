#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/neighbour_graph.h"

namespace coterie {

struct GraphEigenvectors {
  std::vector<double> eigenvalues;  ///< of the normalised Laplacian, rising, [count]
  Matrix<double> vectors;           ///< [N, count], columns of unit length
  int steps = 0;                    ///< of the iteration; 0 where it was solved at once
  bool converged = true;
};

/// The smallest eigenvalues and their vectors of L = I - D^(-1/2) W D^(-1/2), W the graph's
/// non-negative weights. A row without weight has eigenvalue 0 by itself, as a part of the graph
/// of its own does.
///
/// A block of count + some vectors is iterated at once, each step a Chebyshev polynomial of the
/// matrix that damps the eigenvalues not wanted, then Rayleigh-Ritz (Zhou, Saad, Tiago and
/// Chelikowsky, Self-consistent-field calculations using Chebyshev-filtered subspace iteration,
/// 2006). Unlike Lanczos from one vector, a block finds the equal eigenvalues of a graph in several
/// parts. Small graphs are solved densely.
GraphEigenvectors smallest_laplacian_eigenvectors(const NeighbourGraph& graph, std::int64_t count,
                                                  const ShallowContext& context = {});

}  // namespace coterie
