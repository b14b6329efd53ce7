#include "coterie/methods/dpac/dpac_heads.h"

#include "coterie/core/random.h"
#include "coterie/nn/tensors.h"

namespace coterie {

DpacHeads::DpacHeads(const ContrastHeadsShape& shape, bool label_head, RandomStream& weights)
    : ContrastHeads(shape, weights) {
  if (!label_head) return;
  labels_ = register_module(
      "labels", torch::nn::Linear(torch::nn::LinearOptions(shape.features, shape.clusters)));
  deciding_ = register_buffer("deciding", torch::zeros({1}, torch::kLong));
  initialise(*labels_, weights);
}

void DpacHeads::forget_clusters(RandomStream& weights) {
  initialise(*clusters(), weights);
  if (!labels_) return;
  initialise(*labels_, weights);
  deciding_.zero_();
}

}  // namespace coterie
