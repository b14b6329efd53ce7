#pragma once

#include "coterie/methods/view_training.h"

namespace coterie {

struct CcParams : ViewTrainingParams {
  double cluster_temperature = 1;
  double balance = 1;
  static const Fields<CcParams>& fields();
};

}  // namespace coterie
