#include "coterie/methods/ae-opa/ae_opa.h"

#include <cmath>

#include "coterie/loss/distributions.h"
#include "coterie/methods/ae-opa/ae_opa_params.h"
#include "coterie/methods/aggregated_target_params.h"
#include "coterie/methods/softmax_method.h"

namespace coterie {
namespace {

/// The lowest mean of a loss over an epoch until now, and for how many epochs it was not reached.
class LowestLoss : public torch::nn::Module {
 public:
  LowestLoss()
      : lowest_(register_buffer("lowest", torch::full({1}, HUGE_VAL, torch::kDouble))),
        missed_(register_buffer("missed", torch::zeros({1}, torch::kLong))) {}
  /// Takes the mean of another epoch. Returns for how many it was not reached.
  std::int64_t missed(double mean) {
    if (mean < lowest_.item<double>()) {
      lowest_.fill_(mean);
      missed_.zero_();
    } else {
      missed_.add_(1);
    }
    return missed_.item<std::int64_t>();
  }

 private:
  torch::Tensor lowest_, missed_;
};

class AeOpa : public SoftmaxMethod<AeOpaParams> {
 public:
  using SoftmaxMethod<AeOpaParams>::SoftmaxMethod;

 private:
  std::vector<Stage> joint_stages(const Training& training) override {
    std::vector<Stage> all = head_stages(training);
    Stage stage = joint_stage(training, "aggregate");
    const auto labeller = make_labeller(training);
    const auto lowest = std::make_shared<LowestLoss>();
    training.engine.keep("lowest divergence", *lowest);
    stage.finished = [this, lowest](std::int64_t, const auto& losses) {
      const auto missed = lowest->missed(losses.at("divergence"));
      return params_.patience > 0 && missed >= params_.patience;
    };
    stage.step = [this, training, labeller](Batch& batch) -> Losses {
      const auto pass = this->pass(training, batch, params_.reconstruction_weight > 0);
      const auto labels = labelled(training, pass.plain, labeller.get());
      torch::Tensor target;
      {
        torch::NoGradGuard no_grad;
        const Processes& processes = training.engine.processes();
        const auto& measured =
            params_.distance == OpaDistance::hidden ? labels.hidden : labels.codes;
        const auto all_targets = aggregated_target(
            centred_rows(processes.gather(measured), params_.distance == OpaDistance::whitened),
            processes.gather(labels.probabilities), params_.m, params_.scores);
        const auto count = labels.probabilities.size(0);
        target = all_targets.narrow(0, processes.rank() * count, count);
      }
      const auto agreement =
          target.argmax(1).eq(labels.probabilities.argmax(1)).to(torch::kFloat).mean();
      const auto divergence = kl_divergence(target, pass.log_probabilities);
      Losses losses{params_.divergence * divergence,
                    {{"divergence", divergence}, {"agreement", agreement}},
                    target.argmax(1)};
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
    add_aggregated_target_fields(fields);
    fields
        .choice<OpaDistance>("distance", &AeOpaParams::distance,
                             {{"codes", OpaDistance::codes},
                              {"whitened", OpaDistance::whitened},
                              {"hidden", OpaDistance::hidden}},
                             "distances are measured between codes, whitened codes, or values of "
                             "the head's hidden layer; the batch's mean is taken off, as it would "
                             "make all cosines alike")
        .number<double>("divergence", &AeOpaParams::divergence, above(0),
                        "weight of the clusters' loss")
        .number<std::int64_t>("patience", &AeOpaParams::patience, between(0, 100000),
                              "epochs without a lower divergence after which the training ends: "
                              "then the clusters are coming apart; 0: it goes on")
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
      .network = NetworkKind::autoencoder});
}

}  // namespace coterie
