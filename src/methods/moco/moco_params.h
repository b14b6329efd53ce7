#pragma once

#include "coterie/methods/contrastive_method.h"

namespace coterie {

struct MocoParams : ContrastiveParams {
  MocoParams() { temperature = 0.2; }
  std::int64_t queue = 4096;
  double momentum = 0.99;

  static const Fields<MocoParams>& fields();
};

}  // namespace coterie
