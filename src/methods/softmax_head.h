#pragma once

#include <memory>

#include "coterie/methods/autoencoder_method.h"
#include "coterie/methods/head_start.h"
#include "coterie/nn/batch_norm.h"
#include "coterie/nn/mlp.h"

namespace coterie {

/// What comes between the last linear layer of a softmax head and the softmax.
enum class HeadEnd {
  plain,
  norm,       ///< batch norm: at first no cluster has all images
  norm_relu,  ///< batch norm and ReLU
};

/// Its parameters.
struct HeadParams : HeadStartParams {
  HeadEnd end = HeadEnd::plain;
  std::int64_t label_steps = 1;
  double label_momentum = 0;
};

template <class Params>
void add_head_fields(Fields<Params>& fields) {
  add_head_start_fields(fields);
  fields
      .template choice<HeadEnd>(
          "head_end", &Params::end,
          {{"plain", HeadEnd::plain}, {"norm", HeadEnd::norm}, {"norm-relu", HeadEnd::norm_relu}},
          "between the head's last layer and the softmax: nothing, batch "
          "norm, or batch norm and ReLU")
      .template number<double>("label_momentum", &Params::label_momentum,
                               Range{.low = 0, .high = 1, .high_open = true},
                               "labels come from a network that keeps this share of itself in each "
                               "step and takes the rest from the one in training; 0: from that")
      .template number<std::int64_t>(
          "label_steps", &Params::label_steps, between(1, 1000000),
          "steps after which that network is renewed: 8 batches of 128 are DAC's chunk of 1000");
}

/// The clustering layers of Yu et al. (2021), table 3: features, 64 with batch norm and ReLU, K
/// with what `HeadEnd` says, softmax.
class SoftmaxHead : public SoftmaxClusterHead {
 public:
  SoftmaxHead(std::int64_t features, std::int64_t clusters, HeadEnd end, RandomStream& weights);
  torch::Tensor logits(const torch::Tensor& features) override {
    return ended(layers_->forward(features));
  }
  /// The 64 values before the last linear layer, [B, 64].
  torch::Tensor hidden(const torch::Tensor& features) { return layers_->hidden(features); }

 private:
  torch::Tensor ended(const torch::Tensor& outputs);

  HeadEnd end_;
  Mlp layers_;
  BatchNorm1d last_norm_{nullptr};
};

/// The network whose outputs serve as labels, where it is not the one in training: what that was
/// some steps ago, or an average of what it has been.
class Labeller : public torch::nn::Module {
 public:
  /// A copy of `network` and of a head, which it holds from now on.
  Labeller(const AutoencoderImpl& network, std::shared_ptr<ClusterHead> head);

  /// To be called before each step. Every `steps` steps its weights move by 1 - momentum towards
  /// those in training; at the first they become those.
  void follow(const AutoencoderImpl& network, const ClusterHead& head, std::int64_t steps,
              double momentum);

  /// Features and codes of centred images.
  Description describe(const torch::Tensor& images) {
    const auto features = network_->features(images);
    return {features, network_->code(features)};
  }
  ClusterHead& head() { return *head_; }

 private:
  Autoencoder network_;
  std::shared_ptr<ClusterHead> head_;
  torch::Tensor steps_;
};

}  // namespace coterie
