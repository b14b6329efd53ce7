#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

struct TsneParams {
  double perplexity = 30;  ///< how many neighbours a row effectively has; a third of N at most
  int iterations = 1000;
  int exaggeration_iterations = 250;  ///< the first of them, with stronger attraction
  double exaggeration = 12;           ///< how much stronger
  double learning_rate = 0;           ///< 0: N / (4 exaggeration), and 50 at least

  static const Fields<TsneParams>& fields();
  void validate() const;
};

/// How far the layout has come.
struct TsneStep {
  int iteration = 0;      ///< updates done
  double divergence = 0;  ///< KL divergence of the layout's affinities from the rows', in nats
};

/// t-SNE: rows as points in the plane, so that neighbours stay neighbours (van der Maaten and
/// Hinton 2008). Affinities from 3 perplexity nearest neighbours (van der Maaten 2014), repulsion
/// by interpolation on a grid (Linderman et al. 2019, see CauchyField), start from two principal
/// components (Kobak and Berens 2019) with a hundredth of noise from the seed, which sets equal
/// rows apart. Gradient descent with momentum .5 under exaggeration and .8 after, and a gain for
/// each coordinate.
///
/// Time: the neighbours, O(N^2 D), and O(N perplexity) an iteration. Memory: O(N perplexity) beside
/// the rows. The same seed gives the same layout on the same number of threads.
///
///     Tsne tsne({.perplexity = 50});
///     Matrix<float> positions = tsne.fit(features, {.seed = 0});   // [N, 2]
///     double kl = tsne.steps().back().divergence;
class Tsne {
 public:
  explicit Tsne(TsneParams params = {});

  /// Positions [N, 2] of the rows [N, D], their mean at the origin. Throws UserError on bad rows
  /// (see check_features) and unless 3 perplexity < N; Interrupted when cancelled.
  Matrix<float> fit(ConstFeatures rows, const ShallowContext& context = {});

  /// Every 50 iterations and at the end.
  const std::vector<TsneStep>& steps() const { return steps_; }

 private:
  TsneParams params_;
  std::vector<TsneStep> steps_;
};

}  // namespace coterie
