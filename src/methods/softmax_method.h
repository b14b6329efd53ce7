#pragma once

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

  /// The stage in which the head learns the clusters of the codes; none where it is not to.
  std::vector<Stage> head_stages(const Training& training) {
    if (this->params_.start == HeadStart::random) return {};
    const auto labels = std::make_shared<Labels>(training.data.count);
    labels->to(training.engine.context().device);
    training.engine.keep("start", *labels);
    Stage stage = this->joint_stage(training, "head");
    stage.epochs = this->params_.start_epochs;
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
