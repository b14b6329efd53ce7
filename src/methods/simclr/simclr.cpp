#include "coterie/methods/simclr/simclr.h"

#include "coterie/methods/simclr/simclr_params.h"
#include "coterie/methods/view_pairs.h"

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
        .network = NetworkKind::backbone};
    return kInfo;
  }

 private:
  Stage stage(ImageEncoder& encoder, Mlp& projector, Engine& engine) override {
    Stage contrast = params_.stage("contrast");
    contrast.trained = {&encoder.module(), projector.get()};
    contrast.step = [&, recipe = encoder.recipe()](Batch& batch) -> Losses {
      const auto images = torch::cat({batch.views("first", recipe), batch.views("second", recipe)});
      const auto projections =
          engine.forward(encoder.normalised(images), [&](const torch::Tensor& x) {
            return projector->forward(encoder.backbone()->forward(x));
          });
      const auto loss = info_nce(halves(projections), engine.processes(), params_.temperature);
      return {loss, {{"info_nce", loss}}};
    };
    return contrast;
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
