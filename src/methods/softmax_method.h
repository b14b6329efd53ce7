#pragma once

#include <utility>
#include <vector>

#include "coterie/methods/softmax_head.h"

namespace coterie {

/// The frame of autoencoder methods whose head is a softmax.
template <class Params>
class SoftmaxMethod : public AutoencoderMethod<Params> {
 public:
  using AutoencoderMethod<Params>::AutoencoderMethod;

 protected:
  using typename AutoencoderMethod<Params>::Training;

  std::shared_ptr<ClusterHead> make_head(std::int64_t clusters,
                                         RandomStream& weights) const override {
    return std::make_shared<SoftmaxHead>(this->autoencoder().network().feature_width(), clusters,
                                         this->params_.end, weights);
  }

  /// None where the network in training labels for itself.
  std::shared_ptr<Labeller> make_labeller(const Training& training) const {
    const Params& params = this->params_;
    if (params.label_steps == 1 && params.label_momentum == 0) return nullptr;
    RandomStream unused(0, "labeller");
    auto labeller = std::make_shared<Labeller>(this->autoencoder().network(),
                                               make_head(training.clusters, unused));
    labeller->to(training.engine.context().device);
    training.engine.keep("labeller", *labeller);
    training.engine.share_batch_norms(*labeller);
    return labeller;
  }

  /// What labels of a batch are made from, without gradient.
  struct Labelled {
    torch::Tensor codes;          ///< [B, E]
    torch::Tensor hidden;         ///< [B, 64], within the head
    torch::Tensor probabilities;  ///< [B, K]
  };
  /// Of centred images, by `labeller` or, where there is none, by the network in training.
  Labelled labelled(const Training& training, const torch::Tensor& images,
                    Labeller* labeller) const {
    torch::NoGradGuard no_grad;
    const Params& params = this->params_;
    if (labeller)
      labeller->follow(this->autoencoder().network(), this->head(), params.label_steps,
                       params.label_momentum);
    ClusterHead& head = labeller ? labeller->head() : this->head();
    Labelled made;
    made.probabilities = training.engine.forward(images, [&](const torch::Tensor& x) {
      const Description description =
          labeller ? labeller->describe(x) : this->autoencoder().describe(x);
      made.codes = description.codes;
      made.hidden = static_cast<SoftmaxHead&>(head).hidden(description.features);
      return head.probabilities(description);
    });
    made.codes = made.codes.to(torch::kFloat);
    made.hidden = made.hidden.to(torch::kFloat);
    return made;
  }

  /// The stage in which the head learns the clusters of the codes; none where it is not to.
  std::vector<Stage> head_stages(const Training& training) {
    const HeadStart start = this->params_.start;
    if (start == HeadStart::random) return {};
    Stage stage = this->joint_stage(training, "head");
    stage.epochs = this->params_.start_epochs;
    stage.trained = {&this->head()};
    const auto clusters = [this, training, start] {
      return start_clusters(start, this->outputs(training).codes, /*variance=*/1, training.context);
    };
    const auto logits = [this, training](Batch& batch) {
      AutoencoderImpl& network = this->autoencoder().network();
      network.eval();
      torch::Tensor features;
      {
        torch::NoGradGuard no_grad;
        features = training.engine.forward(
            this->seen(batch), [&](const torch::Tensor& x) { return network.features(x); });
      }
      return static_cast<SoftmaxHead&>(this->head()).logits(features);
    };
    return {head_start_stage(std::move(stage), training.data, training.engine, {clusters, logits})};
  }
};

}  // namespace coterie
