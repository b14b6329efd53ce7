#pragma once

#include "coterie/methods/autoencoder_method.h"

namespace coterie {

struct DecParams : JointParams {
  DecParams() {
    learning_rate = 0.01;
    augment = false;
  }
  OptimiserKind optimiser = OptimiserKind::sgd;
  double alpha = 1;
  double tolerance = 1e-3;
  int restarts = 20;
  double divergence = 1;  ///< weight of the clusters' loss
  double reconstruction_weight = 0;
  static const Fields<DecParams>& fields();
};

struct IdecParams : DecParams {
  IdecParams() {
    learning_rate = 1e-3;
    optimiser = OptimiserKind::adam;
    divergence = 0.1;
    reconstruction_weight = 1;
  }
  static const Fields<IdecParams>& fields();
};

}  // namespace coterie
