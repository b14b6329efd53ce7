#pragma once

#include "coterie/methods/softmax_head.h"

namespace coterie {

/// Deep adaptive clustering alone: no reconstruction, a random start.
struct DacParams : JointParams, HeadParams {
  DacParams() {
    start = HeadStart::random;
    end = HeadEnd::norm_relu;
    epochs = 75;
    bottleneck = 0;  // nothing trains a code beside the features
  }
  double alpha = 0;
  double beta = 1;
  double upper = 0.95;
  double lower = 0.5;
  double rate = 0.02;
  bool negatives = true;
  static const Fields<DacParams>& fields();
};

struct AeDacParams : DacParams {
  AeDacParams() {
    start = HeadStart::pac;
    bottleneck = 16;
    alpha = 0.5;
    beta = 0.3;
    learning_rate = 1e-4;
    augment = false;
  }
  static const Fields<AeDacParams>& fields();
};

}  // namespace coterie
