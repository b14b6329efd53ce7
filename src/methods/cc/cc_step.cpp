#include "coterie/methods/cc/cc_step.h"

#include "coterie/methods/view_pairs.h"

namespace coterie {

CcClusterTerms cc_cluster_terms(const torch::Tensor& assigned, const Processes& processes,
                                double temperature) {
  const ViewPair columns = gathered(halves(assigned), processes);
  return {cluster_info_nce(columns, temperature),
          imbalance(columns.first) + imbalance(columns.second)};
}

ContrastedViews contrast_views(Batch& batch, ImageEncoder& encoder, ContrastHeads& heads,
                               const Engine& engine, double temperature) {
  const ViewRecipe recipe = encoder.recipe();
  const auto images = torch::cat({batch.views("first", recipe), batch.views("second", recipe)});
  torch::Tensor logits;
  const auto projected = engine.forward(encoder.normalised(images), [&](const torch::Tensor& x) {
    const auto features = encoder.backbone()->forward(x);
    logits = heads.logits(features);
    return heads.project(features);
  });
  return {logits, info_nce(halves(projected), engine.processes(), temperature)};
}

Losses cc_losses(Batch& batch, ImageEncoder& encoder, ContrastHeads& heads, const Engine& engine,
                 const CcSettings& settings) {
  const auto [logits, instances] =
      contrast_views(batch, encoder, heads, engine, settings.temperature);
  const auto assigned = logits.softmax(1);
  const auto [clusters, skew] =
      cc_cluster_terms(assigned, engine.processes(), settings.cluster_temperature);
  return {instances + clusters + settings.balance * skew,
          {{"info_nce", instances}, {"cluster_info_nce", clusters}, {"imbalance", skew}},
          assigned.chunk(2)[0].argmax(1)};
}

}  // namespace coterie
