#include "coterie/methods/dcsc/dcsc_heads.h"

#include "coterie/loss/distributions.h"
#include "coterie/nn/tensors.h"

namespace coterie {

SemanticHead::SemanticHead(const MlpShape& projector, bool predictor)
    : projector_(register_module("projector", Mlp(projector))) {
  if (!predictor) return;
  MlpShape shape = projector;
  shape.input = projector.output;
  predictor_ = register_module("predictor", Mlp(shape));
}

Semantics SemanticHead::distributions(const torch::Tensor& features) {
  const auto logits = projector_->forward(features);
  const auto projected = logits.to(torch::kFloat).softmax(1);
  if (!predictor_) return {projected, projected};
  return {predictor_->forward(logits).to(torch::kFloat).softmax(1), projected};
}

DcscHeads::DcscHeads(const DcscHeadsShape& shape, RandomStream& weights)
    : ContrastHeads(shape.contrast, weights), projected_(shape.projected) {
  const auto semantic_head = [&](const char* name, std::int64_t clusters) {
    if (clusters == 0) return std::shared_ptr<SemanticHead>();
    auto head = std::make_shared<SemanticHead>(shape.contrast.network(clusters), shape.predictor);
    initialise(*head, weights);
    return register_module(name, head);
  };
  if (!shape.clusters) unregister_module("clusters");
  semantic = semantic_head("semantic", shape.semantic);
  over_semantic = semantic_head("over_semantic", shape.over_semantic);
  if (shape.over > 0) {
    over = register_module("over", Mlp(shape.contrast.network(shape.over)));
    initialise(*over, weights);
  }
}

torch::Tensor DcscHeads::described(const torch::Tensor& features) {
  return unit_rows(projected_ ? project(features) : features).to(torch::kFloat);
}

}  // namespace coterie
