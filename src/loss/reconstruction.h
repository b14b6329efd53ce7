#pragma once

#include "coterie/nn/torch.h"

namespace coterie {

/// What a reconstruction error is counted by.
enum class ReconstructionScale {
  mean,  ///< eq. 1 divided by the number of values in an image: independent of its size
  sum,   ///< eq. 1 as printed
};

/// Reconstruction error of images [N, ...] against what came back, of the same shape (Yu et al.
/// 2021, eq. 1): 1/(2N) sum_i |x_i - y_i|^2, a scalar.
torch::Tensor reconstruction_loss(const torch::Tensor& images, const torch::Tensor& reconstructed,
                                  ReconstructionScale scale = ReconstructionScale::mean);

}  // namespace coterie
