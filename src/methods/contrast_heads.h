#pragma once

#include <memory>

#include "coterie/methods/cluster_head.h"
#include "coterie/methods/nearest_centres.h"
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
  /// Width of what k-means clusters when all is trained (`described`); 0: the cluster head decides.
  std::int64_t centres = 0;

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

/// A projector, whose outputs are compared between views, and a cluster head.
class ContrastHeads : public SoftmaxClusterHead {
 public:
  ContrastHeads(const ContrastHeadsShape& shape, RandomStream& weights);
  /// Features [B, F] to [B, projection].
  torch::Tensor project(const torch::Tensor& features) { return projector_->forward(features); }
  torch::Tensor cluster_logits(const torch::Tensor& features) {
    return clusters_->forward(features).to(torch::kFloat);
  }
  /// What k-means looks at where it decides, [B, centres], in float32: the probabilities.
  virtual torch::Tensor described(const torch::Tensor& features) {
    return logits(features).softmax(1);
  }

  torch::Tensor logits(const torch::Tensor& features) override { return cluster_logits(features); }
  torch::Tensor probabilities(const Description& description) override;
  bool has_clusters() const override { return !nearest || nearest->found(); }
  void see(const Description& description) override {
    project(description.features);
    logits(description.features);
  }
  bool start_from(const TensorMap& model) override;
  void before_training() override;
  Mlp& projector() { return projector_; }
  Mlp& clusters() { return clusters_; }

  std::shared_ptr<NearestCentres> nearest;  ///< null where the cluster head decides

 private:
  Mlp projector_;
  Mlp clusters_;
};

}  // namespace coterie
