#pragma once

#include "coterie/methods/cluster_head.h"
#include "coterie/nn/mlp.h"

namespace coterie {

class RandomStream;

/// How the heads on a backbone are made: linear layers with ReLU between.
struct ContrastHeadsShape {
  std::int64_t features = 0;
  std::int64_t projection = 128;
  std::int64_t clusters = 0;
  std::int64_t layers = 2;
  std::int64_t hidden = 0;  ///< width of all layers but the last; 0: as many as features
  bool batch_norm = false;  ///< before each ReLU
  bool label_head = false;  ///< whether there is a second cluster head, of one layer

  /// Of a network from features to so many outputs.
  MlpShape network(std::int64_t outputs) const;
};

/// The network whose outputs are compared between views.
Mlp make_projector(const ContrastHeadsShape& shape);

/// A network from features to logits of clusters.
Mlp make_cluster_head(const ContrastHeadsShape& shape);

/// Where stored models have the projector: methods that have it alone, and those with more heads.
inline constexpr const char* kProjectorNames[] = {"projector/", "head/projector."};
/// Takes the weights of another run's projector, where it is of the same make. Says whether it is.
bool take_projector(Mlp& projector, const TensorMap& model);

/// A projector, whose outputs are compared between views, and cluster heads.
class ContrastHeads : public SoftmaxClusterHead {
 public:
  ContrastHeads(const ContrastHeadsShape& shape, RandomStream& weights);
  /// Features [B, F] to [B, projection].
  torch::Tensor project(const torch::Tensor& features) { return projector_->forward(features); }
  /// Of the cluster head, or of the label head once `labels_decide` was called.
  torch::Tensor logits(const torch::Tensor& features) override;
  torch::Tensor cluster_logits(const torch::Tensor& features) {
    return clusters_->forward(features).to(torch::kFloat);
  }
  torch::Tensor label_logits(const torch::Tensor& features) {
    return labels_->forward(features).to(torch::kFloat);
  }
  /// From now on images have the label head's clusters.
  void labels_decide() { deciding_.fill_(1); }
  /// From now on they have those of the cluster head, which begins anew.
  void forget_clusters(RandomStream& weights);
  bool decided_by_labels() const {
    return deciding_.defined() && deciding_.item<std::int64_t>() == 1;
  }
  void see(const Description& description) override {
    project(description.features);
    logits(description.features);
  }
  bool start_from(const TensorMap& model) override;
  Mlp& projector() { return projector_; }
  Mlp& clusters() { return clusters_; }
  torch::nn::Module& labels() { return *labels_; }

 private:
  Mlp projector_;
  Mlp clusters_;
  torch::nn::Linear labels_{nullptr};
  torch::Tensor deciding_;  // 1: the label head
};

}  // namespace coterie
