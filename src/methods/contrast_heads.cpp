#include "coterie/methods/contrast_heads.h"

#include <algorithm>
#include <vector>

#include "coterie/core/random.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// Loads the tensors under `prefix` where they are just those of `module`.
bool take(torch::nn::Module& module, const std::string& prefix, const TensorMap& model) {
  if (!module_faults(module, prefix, model).empty()) return false;
  load_module(module, prefix, model);
  return true;
}

}  // namespace

MlpShape ContrastHeadsShape::network(std::int64_t outputs) const {
  return {.input = features,
          .hidden = std::vector<std::int64_t>(static_cast<std::size_t>(layers - 1),
                                              hidden > 0 ? hidden : features),
          .output = outputs,
          .batch_norm = batch_norm};
}

Mlp make_projector(const ContrastHeadsShape& shape) { return Mlp(shape.network(shape.projection)); }

Mlp make_cluster_head(const ContrastHeadsShape& shape) {
  return Mlp(shape.network(shape.clusters));
}

bool take_projector(Mlp& projector, const TensorMap& model) {
  return std::ranges::any_of(kProjectorNames,
                             [&](const char* name) { return take(*projector, name, model); });
}

ContrastHeads::ContrastHeads(const ContrastHeadsShape& shape, RandomStream& weights)
    : projector_(register_module("projector", make_projector(shape))),
      clusters_(register_module("clusters", make_cluster_head(shape))) {
  initialise(*this, weights);
  if (shape.centres > 0)
    nearest =
        register_module("nearest", std::make_shared<NearestCentres>(shape.clusters, shape.centres));
}

torch::Tensor ContrastHeads::probabilities(const Description& description) {
  return nearest ? nearest->probabilities(described(description.features))
                 : SoftmaxClusterHead::probabilities(description);
}

bool ContrastHeads::start_from(const TensorMap& model) {
  take_projector(projector_, model);
  // Where dpac's label head decided, the clusters of the other are of an earlier network.
  const auto deciding = model.find("head/deciding");
  if (deciding != model.end() && to_torch(deciding->second).item<std::int64_t>() == 1) return false;
  return take(*clusters_, "head/clusters.", model);
}

void ContrastHeads::before_training() {
  if (nearest) nearest->forget();
}

}  // namespace coterie
