#include "coterie/loss/reconstruction.h"

namespace coterie {

torch::Tensor reconstruction_loss(const torch::Tensor& images, const torch::Tensor& reconstructed,
                                  ReconstructionScale scale) {
  const auto halved = torch::mse_loss(reconstructed, images) * 0.5;
  if (scale == ReconstructionScale::mean) return halved;
  return halved * static_cast<double>(images.numel() / images.size(0));
}

}  // namespace coterie
