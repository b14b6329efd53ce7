#pragma once

#include "coterie/methods/softmax_head.h"

namespace coterie {

struct AeOpaParams : JointParams, HeadParams {
  double m = 1.03;
  double reconstruction_weight = 1;
  double divergence = 0.1;
  static const Fields<AeOpaParams>& fields();
};

}  // namespace coterie
