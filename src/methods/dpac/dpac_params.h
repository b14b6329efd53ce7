#pragma once

#include "coterie/loss/distributions.h"
#include "coterie/methods/head_start.h"
#include "coterie/methods/view_training.h"

namespace coterie {

/// What the cluster head is trained towards.
enum class DpacObjective {
  opa,     ///< targets aggregated in each batch (eq. 9 and 10)
  jpac,    ///< less distance within clusters, directly (eq. 13)
  kmeans,  ///< clusters of all images, found anew every few epochs (table 7)
  fcm,     ///< likewise, by fuzzy c-means
  pac,     ///< likewise, by PAC
};

/// How views are compared.
enum class DpacContrast {
  weighted,  ///< images that are likely of one cluster hardly repel each other (eq. 11)
  standard,  ///< all images repel each other
  moco,      ///< against a queue of earlier images
};

/// What cosine distances are measured between.
enum class DpacDistance {
  whitened,     ///< the backbone's outputs, their covariance over all images made the identity
  features,     ///< the backbone's outputs
  centred,      ///< less their mean in the batch
  projections,  ///< the projector's outputs, which the contrast of views spreads
};

struct DpacParams : ViewTrainingParams, HeadStartParams {
  DpacParams() { projector_layers = 3; }
  std::int64_t pretrain_epochs = 20;
  double pretrain_rate = 1e-3;
  DpacObjective objective = DpacObjective::opa;
  DpacContrast contrast = DpacContrast::weighted;
  double m = 1.03;
  AggregatedScores scores = AggregatedScores::balanced;
  DpacDistance distance = DpacDistance::whitened;
  double memory = 0.98;
  double label_momentum = 0.99;
  double cluster_weight = 0.1;
  double balance = 0;
  bool strong = true;
  std::int64_t codes_every = 1;
  bool self_label = false;
  std::int64_t label_epochs = 10;
  double label_rate = 1e-3;
  double threshold = 0.95;
  std::int64_t queue = 4096;
  double momentum = 0.99;

  static const Fields<DpacParams>& fields();
};

}  // namespace coterie
