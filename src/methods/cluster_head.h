#pragma once

#include "coterie/core/safetensors.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// What a network makes of images: what its last layer gives, and the code that stands for the
/// image in embeddings (the same where the network has no other).
struct Description {
  torch::Tensor features;  ///< [B, F]
  torch::Tensor codes;     ///< [B, E]
};

/// Probabilities of clusters from what a network makes of images.
class ClusterHead : public torch::nn::Module {
 public:
  /// [B, K], in float32.
  virtual torch::Tensor probabilities(const Description& description) = 0;
  /// Logarithms of probabilities [B, K] as they are trained: of the head's own outputs, whatever
  /// decides on clusters in the end.
  virtual torch::Tensor log_probabilities(const Description& description) = 0;
  /// Whether it has clusters: false until they are found, where that is done after the training.
  virtual bool has_clusters() const { return true; }
  /// Passes a batch through the layers that clusters come from, whatever these give.
  virtual void see(const Description& description) { probabilities(description); }
  /// Called when a training begins: what was found after an earlier one is no longer so.
  virtual void before_training() {}
  /// Takes what fits of another run's stored model, and says whether its clusters were among that.
  virtual bool start_from(const TensorMap& /*model*/) { return false; }
};

/// A head whose probabilities are a softmax.
class SoftmaxClusterHead : public ClusterHead {
 public:
  /// What it is taken of, [B, K], in float32, from features [B, F].
  virtual torch::Tensor logits(const torch::Tensor& features) = 0;
  torch::Tensor probabilities(const Description& description) override {
    return logits(description.features).softmax(1);
  }
  torch::Tensor log_probabilities(const Description& description) override {
    return logits(description.features).log_softmax(1);
  }
};

}  // namespace coterie
