#pragma once

#include "coterie/core/matrix.h"

namespace coterie {

/// What a network with a cluster head makes of all images of a data set, in their order.
struct ImageOutputs {
  Matrix<float> codes;          ///< [N, E]
  Matrix<float> probabilities;  ///< [N, K]
};

}  // namespace coterie
