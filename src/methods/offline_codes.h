#pragma once

#include <cstdint>
#include <vector>

#include "coterie/methods/embedding_clusters.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// Probabilities of clusters that are found among all images now and then, between the epochs of a
/// training, and serve as its targets. A module, so that checkpoints hold them.
class OfflineCodes : public torch::nn::Module {
 public:
  OfflineCodes(std::int64_t images, std::int64_t clusters);
  /// Clusters codes [N, E] (whitened to this share of their variance, by cosine distance) into as
  /// many groups as `now` [N, K], the head's probabilities, has columns, and numbers them so that
  /// they agree with these.
  void renew(const Matrix<float>& codes, const Matrix<float>& now, EmbeddingClusterer clusterer,
             double variance, const FitContext& context);
  /// Of these images, [B, K].
  torch::Tensor of(const std::vector<std::int64_t>& images) const;

 private:
  torch::Tensor codes_;  // [N, K]
};

}  // namespace coterie
