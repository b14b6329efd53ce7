#pragma once

#include <cstdint>

#include "coterie/core/params.h"
#include "coterie/loss/reconstruction.h"
#include "coterie/methods/embedding_clusters.h"
#include "coterie/train/stage.h"

namespace coterie {

struct AeParams : EmbeddingClusterParams {
  AeParams() { embedding = EmbeddingForm::whitened; }
  std::int64_t epochs = 10;
  std::int64_t batch_size = 256;
  double learning_rate = 1e-3;
  LearningRate schedule = LearningRate::cosine;
  double weight_decay = 0;
  ReconstructionScale reconstruction = ReconstructionScale::mean;
  std::int64_t bottleneck = 16;  ///< width of the code; 0: the 256 values of the last convolution
  double rotate = 25;            ///< degrees, of the input but not of what it is to be turned into
  double shift = 0.14;           ///< part of the side
  double scale = 0.2;            ///< part of the size
  double shear = 0.2;            ///< part of the height

  static const Fields<AeParams>& fields();
};

}  // namespace coterie
