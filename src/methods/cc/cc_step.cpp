#include "coterie/methods/cc/cc_step.h"

#include "coterie/methods/view_pairs.h"

namespace coterie {

CcClusterTerms cc_cluster_terms(const torch::Tensor& assigned, const Processes& processes,
                                double temperature) {
  const ViewPair columns = gathered(halves(assigned), processes);
  return {cluster_info_nce(columns, temperature),
          imbalance(columns.first) + imbalance(columns.second)};
}

Losses cc_losses(Batch& batch, ImageEncoder& encoder, ContrastHeads& heads, const Engine& engine,
                 const CcSettings& settings) {
  const ViewRecipe recipe = encoder.recipe();
  const auto images = torch::cat({batch.views("first", recipe), batch.views("second", recipe)});
  torch::Tensor assigned;
  const auto projected = engine.forward(encoder.normalised(images), [&](const torch::Tensor& x) {
    const auto features = encoder.backbone()->forward(x);
    assigned = heads.logits(features).softmax(1);
    return heads.project(features);
  });
  const Processes& processes = engine.processes();
  const auto [clusters, skew] = cc_cluster_terms(assigned, processes, settings.cluster_temperature);
  const auto instances = info_nce(halves(projected), processes, settings.temperature);
  return {instances + clusters + settings.balance * skew,
          {{"info_nce", instances}, {"cluster_info_nce", clusters}, {"imbalance", skew}},
          assigned.chunk(2)[0].argmax(1)};
}

}  // namespace coterie
