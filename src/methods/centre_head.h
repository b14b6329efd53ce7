#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/methods/cluster_head.h"

namespace coterie {

/// Soft assignment to centres, which are trained (Xie, Girshick, Farhadi: Unsupervised Deep
/// Embedding for Clustering Analysis, 2016, eq. 1).
class CentreHead : public ClusterHead {
 public:
  /// `width`: of codes. `alpha`: degrees of freedom of Student's t.
  CentreHead(std::int64_t clusters, std::int64_t width, double alpha)
      : alpha_(alpha), centres_(register_parameter("centres", torch::zeros({clusters, width}))) {}
  torch::Tensor probabilities(const Description& description) override;
  torch::Tensor log_probabilities(const Description& description) override;
  /// Takes centres [K, E].
  void set(const Matrix<double>& centres);

 private:
  double alpha_;
  torch::Tensor centres_;  // [K, E]
};

/// What the images of a data set are drawn towards (the same, eq. 3), and how many changed their
/// label since it was last renewed.
class SharpenedTargets : public torch::nn::Module {
 public:
  SharpenedTargets(std::int64_t images, std::int64_t clusters);

  /// Takes the assignment of all images, [N, K].
  void update(const Matrix<float>& probabilities);
  /// Forgets the labels: at the next update all have changed.
  void restart() { labels_.fill_(-1); }
  torch::Tensor of(const std::vector<std::int64_t>& images) const;
  /// Share of the images, in 0..1, that had another label at the last update but one.
  double changed() const { return changed_.item<double>(); }

 private:
  torch::Tensor rows_;     // [N, K]
  torch::Tensor labels_;   // [N]
  torch::Tensor changed_;  // [1]
};

}  // namespace coterie
