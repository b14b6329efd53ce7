#pragma once

#include <cstdint>

#include "coterie/nn/torch.h"

namespace coterie {

/// Above which similarity a pair of images counts as of one cluster, and below which as of two.
struct PairThresholds {
  double upper = 0.95;
  double lower = 0.5;
};

/// How the thresholds of deep adaptive clustering move towards each other (Chang, Wang, Meng,
/// Xiang, Pan: Deep Adaptive Image Clustering, 2017, section 3; Yu et al. 2021, algorithm 1).
/// u = upper - xi and l = lower + xi / 10; xi begins at 0, and after each epoch takes a step of
/// gradient descent on the penalty u - l, whose slope is -1.1: xi += 1.1 rate.
struct ThresholdRule {
  double upper = 0.95;
  double lower = 0.5;
  double rate = 0.005;

  /// The thresholds in an epoch, counted from 0. They stay where they have met.
  PairThresholds at(std::int64_t epoch) const;
  /// The first epoch in which upper <= lower.
  std::int64_t meeting() const;
};

/// Cosines of the rows of probabilities [B, K] with each other, [B, B] (or of rows [B, K] with
/// others [M, K], [B, M]): 1 where two images are surely of one cluster, 0 where they surely are
/// not.
torch::Tensor pair_similarities(const torch::Tensor& rows, const torch::Tensor& others);
inline torch::Tensor pair_similarities(const torch::Tensor& rows) {
  return pair_similarities(rows, rows);
}

/// Which pairs are taken for training, and as what (Yu et al. 2021, eq. 2): 1 where they are.
struct PairLabels {
  torch::Tensor similar;     ///< similarity >= upper
  torch::Tensor dissimilar;  ///< similarity <= lower, and not similar
};
PairLabels pair_labels(const torch::Tensor& similarities, const PairThresholds& thresholds);

/// Mean binary cross-entropy of the chosen pairs (Yu et al. 2021, eq. 5 with its missing sign), a
/// scalar: -log s where they are similar, -log(1 - s) where they are not; 0 where none is chosen.
torch::Tensor pair_loss(const torch::Tensor& similarities, const PairLabels& labels);

/// Contrastive loss of pairs (Sun, Zhou, Du, Li: Active deep image clustering, 2022, eq. 2, as a
/// mean), a scalar: d^2 where `must` [P] is 1, max(margin - d, 0)^2 where it is 0, with d the
/// Euclidean distance of embeddings [P, E], row i of both of pair i. 1e-12 under the root keeps its
/// slope finite where both are equal.
torch::Tensor contrastive_pair_loss(const torch::Tensor& first, const torch::Tensor& second,
                                    const torch::Tensor& must, double margin);

/// How far the two images of each pair are from what is known of it, a scalar: the mean of -log s
/// where `must` [P] is 1 and of -log(1 - s) where it is 0, with s the probability that both are of
/// one cluster, sum_k p_k q_k. It takes the logarithms of p and q, [P, K] (`log_softmax`), so that
/// it draws the surest pairs too.
torch::Tensor constraint_loss(const torch::Tensor& log_first, const torch::Tensor& log_second,
                              const torch::Tensor& must);

}  // namespace coterie
