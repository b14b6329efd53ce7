#pragma once

#include "coterie/methods/contrastive_method.h"

namespace coterie {

struct SimclrParams : ContrastiveParams {
  static const Fields<SimclrParams>& fields();
};

}  // namespace coterie
