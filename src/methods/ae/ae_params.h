#pragma once

#include "coterie/methods/embedding_clusters.h"
#include "coterie/methods/image_autoencoder.h"

namespace coterie {

struct AeParams : AutoencoderParams, EmbeddingClusterParams {
  AeParams() { embedding = EmbeddingForm::whitened; }
  static constexpr bool kVariational = false;
  static const Fields<AeParams>& fields();
};

/// Part of the input is set to 0, and nothing else is done to it.
struct DaeParams : AeParams {
  DaeParams() {
    rotate = shift = scale = shear = 0;
    noise = 0.3;
  }
  static const Fields<DaeParams>& fields();
};

/// Its prior already gives the codes in use one size; whitening would blow up those that are not.
struct VaeParams : AeParams {
  VaeParams() { embedding = EmbeddingForm::plain; }
  static constexpr bool kVariational = true;
  static const Fields<VaeParams>& fields();
};

}  // namespace coterie
