#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/core/safetensors.h"
#include "coterie/shallow/labelled_rows.h"

namespace coterie {

enum class RccDistance { euclidean, cosine };
enum class RccScaling { none, range, standard };

struct RccParams {
  int neighbours = 10;                         ///< of each row in the graph
  RccDistance distance = RccDistance::cosine;  ///< by which the graph's neighbours are found
  RccScaling scaling = RccScaling::none;       ///< of each column, before all else
  int max_iterations = 100;                    ///< of representatives and line process
  double tolerance = 1e-4;                     ///< relative change of the objective at the end
  double threshold = 1.0;     ///< joins representatives nearer than this times the shortest edges
  int smallest_cluster = 10;  ///< rows, where the number of clusters is to be found

  static const Fields<RccParams>& fields();
  void validate() const { fields().validate(*this); }
};

/// What happened in one iteration.
struct RccStep {
  double objective = 0;  ///< eq. 2, at this mu and lambda, before the representatives moved
  double mu = 0;         ///< scale of the Geman-McClure penalty
  double lambda = 0;     ///< weight of the pairs
  int solver_steps = 0;  ///< most conjugate gradient steps that a block of columns took
};

/// Robust Continuous Clustering (Shah and Koltun, PNAS 2017): each row x_p has a representative
/// u_p, and those of neighbours are drawn together, far pairs letting go of each other:
///
///     1/2 sum_p |x_p - u_p|^2 + lambda/2 sum_(p,q) w_pq (l_pq |u_p - u_q|^2 + mu (sqrt(l_pq) -
///     1)^2)
///
/// over the edges of the mutual neighbours' graph with a least spanning forest of the neighbours'
/// graph (eq. 2). By turns l_pq = (mu / (mu + |u_p - u_q|^2))^2 (eq. 5) and (I + lambda M) U = X,
/// M = sum w_pq l_pq (e_p - e_q)(e_p - e_q)^T (eq. 7), by conjugate gradients from the last U, 16
/// columns at a time on each core. mu halves every four iterations. Representatives nearer than the
/// shortest edges' length are one cluster: K is found.
///
/// With K asked, these clusters merge by Ward's cost on their mean representatives; where they are
/// fewer, only the shortest pairs are joined, until K clusters are left.
///
/// Time: the neighbours, O(N^2 D), then O(N D neighbours) a conjugate gradient step, some hundreds
/// in all. Memory: three times the data.
///
///     Rcc rcc;
///     Assignment found = rcc.fit(features, 0);  // rcc.clusters() of them
class Rcc {
 public:
  explicit Rcc(RccParams params = {});

  /// Clusters the rows [N, D]; `clusters` = 0 finds their number. The result equals
  /// `predict(features)`. Throws UserError on bad input (see check_clustering_input), Interrupted
  /// when cancelled.
  Assignment fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context = {});
  /// The label of the nearest row of the fit.
  Assignment predict(ConstFeatures features) const { return model_.predict(features); }

  std::int64_t clusters() const { return model_.clusters(); }
  const std::vector<RccStep>& steps() const { return steps_; }
  /// Groups of representatives nearer than the threshold, single rows among them, before small ones
  /// were given away and before any merge to the K that was asked.
  std::int64_t groups() const { return groups_; }

  TensorMap save() const { return model_.save(); }
  void load(const TensorMap& tensors) { model_ = LabelledRows::load(tensors, "RCC"); }

 private:
  RccParams params_;
  std::vector<RccStep> steps_;
  std::int64_t groups_ = 0;
  LabelledRows model_;
};

}  // namespace coterie
