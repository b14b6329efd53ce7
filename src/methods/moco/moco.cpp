#include "coterie/methods/moco/moco.h"

#include "coterie/methods/moco/moco_params.h"
#include "coterie/methods/momentum_contrast.h"

namespace coterie {
namespace {

class Moco : public ContrastiveMethod<MocoParams> {
 public:
  const MethodInfo& info() const override {
    static const MethodInfo kInfo = {
        .name = "moco",
        .family = "contrastive",
        .summary = "views against a queue from a slowly moving network; then PAC or k-means",
        .paper =
            "He, Fan, Wu, Xie, Girshick: Momentum Contrast for Unsupervised Visual Representation "
            "Learning, 2020",
        .input = InputKind::images,
        .finds_clusters = true,
        .network = NetworkKind::backbone};
    return kInfo;
  }

 private:
  Stage stage(ImageEncoder& encoder, Mlp& projector, Engine& engine) override {
    Stage contrast = params_.stage("contrast");
    const auto slow = make_momentum_contrast(
        encoder.backbone(), projector,
        {.queue = params_.queue, .momentum = params_.momentum, .temperature = params_.temperature},
        largest_batch(engine, contrast), params_.sync_batch_norm, engine);
    contrast.trained = {&encoder.module(), projector.get()};
    contrast.step = [&, slow, recipe = encoder.recipe()](Batch& batch) -> Losses {
      const auto queries = engine.forward(
          encoder.normalised(batch.views("first", recipe)), [&](const torch::Tensor& x) {
            return projector->forward(encoder.backbone()->forward(x));
          });
      const auto loss =
          slow->loss(queries, encoder.normalised(batch.views("second", recipe)), batch, engine);
      return {loss, {{"queue_info_nce", loss}}};
    };
    return contrast;
  }
};

}  // namespace

const Fields<MocoParams>& MocoParams::fields() {
  static const Fields<MocoParams> kFields = [] {
    Fields<MocoParams> fields;
    add_contrastive_fields(fields);
    fields
        .number(
            "queue", &MocoParams::queue, between(2, 1 << 20),
            "keys of earlier images that a query is compared with; at least a batch, at most as "
            "many as there are images")
        .number("momentum", &MocoParams::momentum, Range{.low = 0, .high = 1, .high_open = true},
                "how much of itself the keys' network keeps in a step");
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_moco() { return std::make_unique<Moco>(); }

}  // namespace coterie
