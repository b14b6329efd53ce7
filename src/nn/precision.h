#pragma once

#include <string_view>

#include "coterie/nn/torch.h"

namespace coterie {

/// The numbers that networks compute with. Weights, losses and optimisers are float32 always.
enum class Precision {
  fp32,
  bf16,  ///< convolutions and matrix products in bfloat16
};

/// The precision that "auto", "fp32" or "bf16" means on `device`: bf16 only where it has
/// instructions for it, as networks are many times slower without; so a model that was trained in
/// bf16 predicts in fp32 on a lesser processor. Throws UserError where the name is another.
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
