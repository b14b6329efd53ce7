#pragma once

#include <string_view>

#include "coterie/nn/torch.h"

namespace coterie {

/// The numbers that networks compute with. Weights, losses and optimisers are float32 always.
enum class Precision {
  fp32,
  bf16,  ///< convolutions and matrix products in bfloat16
};

/// The precision that "auto", "fp32" or "bf16" means on `device`; "auto" is bf16 where the device
/// has instructions for it. Throws UserError where the name is another.
Precision resolve_precision(std::string_view name, const torch::Device& device);
std::string_view name_of(Precision precision);

/// The float32 result of `network(images)`, computed in `precision`. What follows,
/// such as losses, stands outside, so it is computed in float32.
template <class Network>
torch::Tensor forward_in(Precision precision, const torch::Tensor& images, Network&& network) {
  const AutocastScope scope(images.device(), precision == Precision::bf16);
  return network(images).to(torch::kFloat);
}

}  // namespace coterie
