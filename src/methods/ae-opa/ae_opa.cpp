#include "coterie/methods/ae-opa/ae_opa.h"

#include "coterie/loss/distributions.h"
#include "coterie/methods/ae-opa/ae_opa_params.h"
#include "coterie/methods/softmax_method.h"

namespace coterie {
namespace {

class AeOpa : public SoftmaxMethod<AeOpaParams> {
 public:
  using SoftmaxMethod<AeOpaParams>::SoftmaxMethod;

 private:
  std::vector<Stage> stages(const Training& training) override {
    std::vector<Stage> all = head_stages(training);
    Stage stage = joint_stage(training, "aggregate");
    stage.step = [this, training](Batch& batch) -> Losses {
      AutoencoderImpl& network = autoencoder().network();
      const auto pass = this->pass(training, batch, params_.reconstruction_weight > 0);
      torch::Tensor target;
      {
        torch::NoGradGuard no_grad;
        torch::Tensor codes;
        const auto probabilities =
            training.engine.forward(pass.plain, [&](const torch::Tensor& images) {
              const auto features = network.features(images);
              codes = network.code(features);
              return head().probabilities(features, codes);
            });
        // The batch's mean says nothing about clusters, and would make all cosines alike.
        const Processes& processes = training.engine.processes();
        const auto rows = processes.gather(codes.to(torch::kFloat));
        const auto all_targets = aggregated_target(rows - rows.mean(0, /*keepdim=*/true),
                                                   processes.gather(probabilities), params_.m);
        target =
            all_targets.narrow(0, processes.rank() * probabilities.size(0), probabilities.size(0));
      }
      const auto divergence = kl_divergence(target, pass.probabilities);
      Losses losses{
          params_.divergence * divergence, {{"divergence", divergence}}, target.argmax(1)};
      add_reconstruction(pass, params_.reconstruction_weight, losses);
      return losses;
    };
    all.push_back(std::move(stage));
    return all;
  }
};

}  // namespace

const Fields<AeOpaParams>& AeOpaParams::fields() {
  static const Fields<AeOpaParams> kFields = [] {
    Fields<AeOpaParams> fields;
    fields
        .number<double>("m", &AeOpaParams::m, Range{.low = 1, .high = 10, .low_open = true},
                        "fuzziness of the aggregated target")
        .number<double>("divergence", &AeOpaParams::divergence, above(0),
                        "weight of the clusters' loss")
        .number<double>("reconstruction_weight", &AeOpaParams::reconstruction_weight,
                        between(0, 1000), "weight of the reconstruction beside it");
    add_head_fields(fields);
    add_joint_fields(fields);
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_ae_opa() {
  return std::make_unique<AeOpa>(MethodInfo{
      .name = "ae-opa",
      .family = "autoencoder",
      .summary = "an autoencoder with online probability aggregation: clusters without centres",
      .paper = "Yan, Lu, Yan: Deep Probability Aggregation Clustering, 2024, table 5b",
      .input = InputKind::images,
      .autoencoder = true});
}

}  // namespace coterie
