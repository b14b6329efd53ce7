#pragma once

#include "coterie/loss/distributions.h"
#include "coterie/methods/softmax_head.h"

namespace coterie {

/// What distances are measured between.
enum class OpaDistance {
  codes,     ///< the autoencoder's codes
  whitened,  ///< the same, their covariance in the batch made the identity
  hidden,    ///< the values of the head's hidden layer
};

struct AeOpaParams : JointParams, HeadParams {
  AeOpaParams() {
    augment = false;
    joint_batch_size = 4096;
    learning_rate = 2e-4;
  }
  double m = 1.03;
  OpaDistance distance = OpaDistance::hidden;
  AggregatedScores scores = AggregatedScores::sums;
  std::int64_t patience = 2;
  double reconstruction_weight = 1;
  double divergence = 0.1;
  static const Fields<AeOpaParams>& fields();
};

}  // namespace coterie
