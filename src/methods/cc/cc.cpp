#include "coterie/methods/cc/cc.h"

#include "coterie/methods/cc/cc_params.h"
#include "coterie/methods/contrast_heads.h"
#include "coterie/methods/head_method.h"
#include "coterie/methods/view_pairs.h"

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
                                                              .layers = params_.projector_layers},
                                           weights);
  }

  std::vector<Stage> stages(const Training& training) override {
    Stage stage = params_.stage("contrast");
    stage.clusters = training.clusters;
    stage.trained = {&body().module(), &head()};
    stage.step = [this, training, recipe = body().recipe()](Batch& batch) -> Losses {
      auto& heads = static_cast<ContrastHeads&>(head());
      const auto images = torch::cat({batch.views("first", recipe), batch.views("second", recipe)});
      torch::Tensor assigned;
      const auto projected =
          training.engine.forward(body().normalised(images), [&](const torch::Tensor& x) {
            const auto features = body().backbone()->forward(x);
            assigned = heads.logits(features).softmax(1);
            return heads.project(features);
          });
      const Processes& processes = training.engine.processes();
      // Clusters are compared over the images of all processes, in each of them alike.
      const ViewPair columns = gathered(halves(assigned), processes);
      const auto instances = info_nce(halves(projected), processes, params_.temperature);
      const auto clusters = cluster_info_nce(columns, params_.cluster_temperature);
      const auto skew = imbalance(columns.first) + imbalance(columns.second);
      return {instances + clusters + params_.balance * skew,
              {{"info_nce", instances}, {"cluster_info_nce", clusters}, {"imbalance", skew}},
              assigned.chunk(2)[0].argmax(1)};
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
                 .backbone = true});
}

}  // namespace coterie
