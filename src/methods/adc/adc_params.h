#pragma once

#include "coterie/core/params.h"
#include "coterie/methods/adc/pair_selection.h"
#include "coterie/methods/adc/siamese_network.h"

namespace coterie {

struct AdcParams : SiameseParams {
  // Questions.
  PairStrategy strategy = PairStrategy::active;
  std::int64_t rounds = 5;
  std::int64_t budget = 0;  ///< questions in a round; 0: a 25th of the images
  // Learning from the answers.
  std::int64_t epochs = 100;
  std::int64_t batch_size = 64;
  double learning_rate = 1e-3;
  double margin = 1;
  // Clustering.
  double alpha = 1;
  std::int64_t cluster_batch_size = 256;
  double cluster_rate = 1e-3;
  std::int64_t target_every = 140;
  std::int64_t cluster_epochs = 1;
  double tolerance = 1e-3;
  int restarts = 20;
  static const Fields<AdcParams>& fields();
};

}  // namespace coterie
