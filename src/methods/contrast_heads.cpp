#include "coterie/methods/contrast_heads.h"

#include "coterie/core/random.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

Mlp head(const ContrastHeadsShape& shape, std::int64_t output) {
  return Mlp(MlpShape{.input = shape.features, .hidden = {shape.features}, .output = output});
}

}  // namespace

ContrastHeads::ContrastHeads(const ContrastHeadsShape& shape, RandomStream& weights)
    : projector_(register_module("projector", head(shape, shape.projection))),
      clusters_(register_module("clusters", head(shape, shape.clusters))) {
  initialise(*this, weights);
}

}  // namespace coterie
