#pragma once

#include "coterie/methods/contrast_heads.h"

namespace coterie {

/// The heads of DPAC: those of contrast and, where there is self-labelling, a second cluster head
/// of one layer.
class DpacHeads : public ContrastHeads {
 public:
  DpacHeads(const ContrastHeadsShape& shape, bool label_head, RandomStream& weights);
  /// Of the cluster head, or of the label head once `labels_decide` was called.
  torch::Tensor logits(const torch::Tensor& features) override {
    return decided_by_labels() ? label_logits(features) : cluster_logits(features);
  }
  torch::Tensor label_logits(const torch::Tensor& features) {
    return labels_->forward(features).to(torch::kFloat);
  }
  /// From now on images have the label head's clusters.
  void labels_decide() { deciding_.fill_(1); }
  /// From now on they have those of the cluster head; both heads begin anew.
  void forget_clusters(RandomStream& weights);
  bool decided_by_labels() const {
    return deciding_.defined() && deciding_.item<std::int64_t>() == 1;
  }
  torch::nn::Module& labels() { return *labels_; }

 private:
  torch::nn::Linear labels_{nullptr};  // null where there is no self-labelling
  torch::Tensor deciding_;             // 1: the label head; undefined likewise
};

}  // namespace coterie
