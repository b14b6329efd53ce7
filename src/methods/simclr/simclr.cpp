#include "coterie/methods/simclr/simclr.h"

#include "coterie/loss/contrastive.h"
#include "coterie/methods/simclr/simclr_params.h"
#include "coterie/nn/mlp.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

class Simclr : public ContrastiveMethod<SimclrParams> {
 public:
  const MethodInfo& info() const override {
    static const MethodInfo kInfo = {
        .name = "simclr",
        .family = "contrastive",
        .summary = "two views of an image attract, others repel; then PAC or k-means",
        .paper =
            "Chen, Kornblith, Norouzi, Hinton: A Simple Framework for Contrastive Learning of "
            "Visual Representations, 2020",
        .input = InputKind::images,
        .finds_clusters = true,
        .backbone = true};
    return kInfo;
  }

 private:
  void train(ImageEncoder& encoder, Engine& engine, const FitContext& context) override {
    const Processes& processes = engine.processes();
    Mlp projector(MlpShape{.input = encoder.width(),
                           .hidden = {encoder.width()},
                           .output = params_.projection,
                           .batch_norm = true});
    RandomStream weights(context.seed, "projector");
    initialise(*projector, weights);
    projector->to(engine.context().device);
    ResNet backbone = encoder.backbone();
    if (params_.sync_batch_norm) {
      engine.share_batch_norms(*backbone);
      engine.share_batch_norms(*projector);
    }
    const ViewRecipe recipe = encoder.recipe();
    Stage contrast = params_.stage("contrast");
    contrast.trained = {backbone.get(), projector.get()};
    contrast.step = [&](Batch& batch) -> Losses {
      const auto images = torch::cat({batch.views("first", recipe), batch.views("second", recipe)});
      const auto projections = engine.forward(
          encoder.normalised(images),
          [&](const torch::Tensor& x) { return projector->forward(backbone->forward(x)); });
      const auto halves = projections.chunk(2);
      const ViewPair own{halves[0], halves[1]};
      const ViewPair all{processes.gather(own.first), processes.gather(own.second)};
      const auto loss =
          info_nce(own, all, processes.rank() * own.first.size(0), params_.temperature);
      return {loss, {{"info_nce", loss}}};
    };
    engine.keep("backbone", *backbone);
    engine.keep("projector", *projector);
    engine.run({contrast});
  }
};

}  // namespace

const Fields<SimclrParams>& SimclrParams::fields() {
  static const Fields<SimclrParams> kFields = [] {
    Fields<SimclrParams> fields;
    add_contrastive_fields(fields);
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_simclr() { return std::make_unique<Simclr>(); }

}  // namespace coterie
