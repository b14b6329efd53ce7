#pragma once

#include "coterie/loss/contrastive.h"
#include "coterie/methods/view_training.h"

namespace coterie {

/// Which heads have more clusters than are asked for.
enum class OverClustering {
  none,
  auxiliary,  ///< heads of their own, beside those with K
  semantic,   ///< the semantic head
};

struct DcscParams : ViewTrainingParams {
  DcscParams() { temperature = 0.2; }
  bool feature_loss = true;
  bool cluster_loss = true;
  bool semantic_loss = true;
  double cluster_temperature = 1;
  double semantic_temperature = 1;
  double balance = 1;
  DistributionSimilarity similarity = DistributionSimilarity::cosine;
  bool stop_gradient = false;
  bool predictor = true;
  bool batch_norm = true;
  OverClustering over_clustering = OverClustering::auxiliary;
  std::int64_t over_clusters = 0;

  static const Fields<DcscParams>& fields();
};

}  // namespace coterie
