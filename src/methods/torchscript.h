#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coterie/methods/method.h"

namespace coterie {

/// What a stored network needs to be said of it besides its tensors.
struct NetworkModel {
  std::string method;
  const StoredModel& stored;
  std::vector<std::int32_t> label_order;  ///< the run's number of each of the network's clusters
};

/// The network of a deep method as a TorchScript program, which PyTorch's `torch.jit.load` and
/// libtorch's `torch::jit::load` read without any code of coterie's. Its `forward` takes images
/// [N, C, H, W] of the run's shape as floats in 0..1, and gives labels [N], probabilities [N, K]
/// (in the order of the run's labels) and embeddings [N, E], in float32.
///
/// For methods whose clusters come from a head on the network: cc, dcsc, dpac, jdce, ae-opa, dac,
/// ae-dac, dec, idec. Throws UserError for the others, whose clusters an algorithm finds among the
/// embeddings.
std::string torchscript_of(const NetworkModel& model);

}  // namespace coterie
