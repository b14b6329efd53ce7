#pragma once

#include <cstdint>

#include "coterie/core/params.h"
#include "coterie/loss/reconstruction.h"
#include "coterie/shallow/pac.h"
#include "coterie/train/stage.h"

namespace coterie {

/// What clusters the codes.
enum class AeCluster { pac, kmeans };
/// What is clustered: the codes as they are, or with their covariance made the identity.
enum class AeEmbedding { whitened, codes };

struct AeParams {
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
  AeEmbedding embedding = AeEmbedding::whitened;
  PacDistance distance = PacDistance::cosine;
  AeCluster cluster = AeCluster::pac;
  int restarts = 10;

  static const Fields<AeParams>& fields();
};

}  // namespace coterie
