#pragma once

#include <algorithm>

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
    if (this->params_.start == HeadStart::random) return {};
    const auto labels = std::make_shared<Labels>(training.data.count);
    labels->to(training.engine.context().device);
    training.engine.keep("start", *labels);
    Stage stage = this->joint_stage(training, "head");
    stage.epochs = this->params_.start_epochs;
    // A few steps of large batches would leave the head undecided.
    const auto least = std::min<std::int64_t>(32, stage.batch_size);
    stage.batch_size = std::clamp(training.data.count / 20, least, stage.batch_size);
    stage.learning_rate = kHeadRate;
    stage.trained = {&this->head()};
    stage.before_epoch = [this, training, labels](std::int64_t epoch) {
      if (epoch > 0) return;
      labels->set(clusters_of_codes(this->params_.start, this->outputs(training).codes,
                                    training.clusters, training.context));
    };
    stage.step = [this, training, labels](Batch& batch) -> Losses {
      AutoencoderImpl& network = this->autoencoder().network();
      network.eval();
      torch::Tensor features;
      {
        torch::NoGradGuard no_grad;
        features = training.engine.forward(
            this->seen(batch), [&](const torch::Tensor& x) { return network.features(x); });
      }
      const auto logits = static_cast<SoftmaxHead&>(this->head()).logits(features);
      const auto loss = torch::cross_entropy_loss(logits, labels->of(batch.indices));
      return {loss, {{"cross_entropy", loss}}, logits.argmax(1)};
    };
    return {stage};
  }

 private:
  static constexpr double kHeadRate = 3e-3;

  /// What the head is to learn of each image.
  class Labels : public torch::nn::Module {
   public:
    explicit Labels(std::int64_t images)
        : labels_(register_buffer("labels", torch::zeros({images}, torch::kLong))) {}
    void set(const std::vector<std::int32_t>& labels) {
      labels_.copy_(torch::tensor(labels, torch::TensorOptions(torch::kLong)));
    }
    torch::Tensor of(const std::vector<std::int64_t>& images) const {
      return rows_of(labels_, images);
    }

   private:
    torch::Tensor labels_;
  };
};

}  // namespace coterie
