#pragma once

#include "coterie/methods/cluster_head.h"
#include "coterie/nn/mlp.h"

namespace coterie {

class RandomStream;

/// How two heads on a backbone are made: each of two linear layers with ReLU between, the first as
/// wide as the backbone.
struct ContrastHeadsShape {
  std::int64_t features = 0;
  std::int64_t projection = 128;
  std::int64_t clusters = 0;
};

/// A projector, whose outputs are compared between views, and a cluster head.
class ContrastHeads : public ClusterHead {
 public:
  ContrastHeads(const ContrastHeadsShape& shape, RandomStream& weights);
  /// Features [B, F] to [B, projection].
  torch::Tensor project(const torch::Tensor& features) { return projector_->forward(features); }
  /// Features [B, F] to probabilities [B, K] in float32.
  torch::Tensor assign(const torch::Tensor& features) {
    return clusters_->forward(features).to(torch::kFloat).softmax(1);
  }
  torch::Tensor probabilities(const Description& description) override {
    return assign(description.features);
  }

 private:
  Mlp projector_;
  Mlp clusters_;
};

}  // namespace coterie
