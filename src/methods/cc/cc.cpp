#include "coterie/methods/cc/cc.h"

#include "coterie/methods/cc/cc_params.h"
#include "coterie/methods/cc/cc_step.h"
#include "coterie/methods/contrast_heads.h"
#include "coterie/methods/head_method.h"

namespace coterie {
namespace {

class Cc : public HeadMethod<CcParams, ImageEncoder> {
 public:
  using HeadMethod::HeadMethod;

 private:
  std::shared_ptr<ClusterHead> make_head(std::int64_t clusters,
                                         RandomStream& weights) const override {
    return std::make_shared<ContrastHeads>(ContrastHeadsShape{.features = body().width(),
                                                              .projection = params_.projection,
                                                              .clusters = clusters,
                                                              .layers = params_.projector_layers,
                                                              .hidden = params_.head_width},
                                           weights);
  }

  std::vector<Stage> stages(const Training& training) override {
    Stage stage = params_.stage("contrast");
    stage.clusters = training.clusters;
    stage.trained = {&body().module(), &head()};
    stage.step = [this, training](Batch& batch) {
      return cc_losses(batch, body(), static_cast<ContrastHeads&>(head()), training.engine,
                       {.temperature = params_.temperature,
                        .cluster_temperature = params_.cluster_temperature,
                        .balance = params_.balance});
    };
    return {stage};
  }
};

}  // namespace

const Fields<CcParams>& CcParams::fields() {
  static const Fields<CcParams> kFields = [] {
    Fields<CcParams> fields;
    add_view_training_fields(fields);
    fields
        .number<double>("cluster_temperature", &CcParams::cluster_temperature, between(0.01, 10),
                        "what cosines of clusters are divided by in their loss")
        .number<double>("balance", &CcParams::balance, between(0, 1000),
                        "weight of what keeps the clusters equally large");
    add_encoder_fields(fields);
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_cc() {
  return std::make_unique<Cc>(
      MethodInfo{.name = "cc",
                 .family = "contrastive",
                 .summary = "views attract as images and, column by column, as clusters",
                 .paper = "Li, Hu, Liu, Peng, Zhou, Peng: Contrastive Clustering, 2021",
                 .input = InputKind::images,
                 .network = NetworkKind::backbone});
}

}  // namespace coterie
