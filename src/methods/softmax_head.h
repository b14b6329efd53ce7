#pragma once

#include <memory>

#include "coterie/methods/autoencoder_method.h"
#include "coterie/nn/batch_norm.h"
#include "coterie/nn/mlp.h"

namespace coterie {

/// What a softmax head begins with.
enum class HeadStart {
  pac,     ///< learns PAC's clusters of the codes first
  kmeans,  ///< learns those of k-means
  random,  ///< its random weights
};

/// What comes between its last linear layer and the softmax.
enum class HeadEnd {
  plain,
  norm,       ///< batch norm: at first no cluster has all images
  norm_relu,  ///< batch norm and ReLU
};

/// Its parameters.
struct HeadParams {
  HeadStart start = HeadStart::pac;
  std::int64_t start_epochs = 5;
  HeadEnd end = HeadEnd::plain;
  std::int64_t label_steps = 1;
  double label_momentum = 0;
};

template <class Params>
void add_head_fields(Fields<Params>& fields) {
  fields
      .template choice<HeadStart>(
          "start", &Params::start,
          {{"pac", HeadStart::pac}, {"kmeans", HeadStart::kmeans}, {"random", HeadStart::random}},
          "what the head learns first, the encoder held: clusters of the codes, or nothing")
      .template number<std::int64_t>("start_epochs", &Params::start_epochs, between(1, 1000),
                                     "passes over the images for that")
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
class SoftmaxHead : public ClusterHead {
 public:
  SoftmaxHead(std::int64_t features, std::int64_t clusters, HeadEnd end, RandomStream& weights);
  torch::Tensor probabilities(const Description& description) override {
    return logits(description.features).softmax(1);
  }
  torch::Tensor logits(const torch::Tensor& features) { return ended(layers_->forward(features)); }
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

/// Clusters of the autoencoder's codes (whitened, cosine distance), [N] labels.
std::vector<std::int32_t> clusters_of_codes(HeadStart start, const Matrix<float>& codes,
                                            std::int64_t clusters, const FitContext& context);

}  // namespace coterie
