#pragma once

#include <cstdint>

#include "coterie/nn/torch.h"

namespace coterie {

/// Projections of two views of the same images, row i of both of image i, [B, D] each. They need
/// not be of unit length.
struct ViewPair {
  torch::Tensor first;
  torch::Tensor second;
};

/// InfoNCE of two views (NT-Xent: Chen, Kornblith, Norouzi, Hinton: A Simple Framework for
/// Contrastive Learning of Visual Representations, 2020, eq. 1), a scalar: the mean over the 2B
/// rows z of -log( exp(s(z, z') / t) / sum over all rows u except z of exp(s(z, u) / t) ), with z'
/// the other view of the same image and s the cosine.
torch::Tensor info_nce(const ViewPair& views, double temperature);

/// The same for a part of a batch: anchors are the rows of `views` [B, D], the sum goes over the
/// rows of `all` [N, D], in which the anchors begin at row `offset`. The mean over the parts is
/// info_nce of the whole.
torch::Tensor info_nce(const ViewPair& views, const ViewPair& all, std::int64_t offset,
                       double temperature);

/// The same with every other row weighed (Yan, Lu, Yan: Deep Probability Aggregation Clustering,
/// 2024, eq. 11), a scalar: the mean over the 2B rows z of -log( exp(s(z, z') / t) / sum over all
/// rows u except z of w(z, u) exp(s(z, u) / t) ). `weights` [B, N], at least 0, is w of each anchor
/// with each image, alike for both views; a pair with weight 0 is left out. Of the mask of eq. 11,
/// see `different_clusters`.
torch::Tensor weighted_info_nce(const ViewPair& views, const ViewPair& all,
                                const torch::Tensor& weights, std::int64_t offset,
                                double temperature);

/// How likely each row of `own` [B, K] and each of `all` [N, K] are of two clusters, [B, N],
/// without gradient: 1 - p_i p_j (the mask of eq. 11 there), at least 1e-6, so that a batch of one
/// cluster still has a loss.
torch::Tensor different_clusters(const torch::Tensor& own, const torch::Tensor& all);

/// How alike two distributions are.
enum class DistributionSimilarity {
  cosine,
  jensen_shannon,    ///< minus the Jensen-Shannon divergence, in nats
  kullback_leibler,  ///< minus KL(p || q), in nats
};
/// Of each row of p [A, K] and each of q [B, K], which are distributions: [A, B]. O(A B K) memory
/// for jensen_shannon, O(A B) for the others.
torch::Tensor distribution_similarities(const torch::Tensor& p, const torch::Tensor& q,
                                        DistributionSimilarity kind);

/// info_nce between what the two branches of an asymmetric network make of images (Zhang, Li, Hua,
/// Dong, Lim: Improved deep clustering model based on semantic consistency, 2022, eq. 3.4 and 3.5),
/// a scalar. Anchors are the rows of `p` [B, K], the sum goes over the rows of `q` [N, K] of both
/// views but the anchor's own, and the anchor's counterpart is q of the other view.
torch::Tensor semantic_info_nce(const ViewPair& p, const ViewPair& q, std::int64_t offset,
                                double temperature, DistributionSimilarity kind);

/// info_nce for clusters instead of images (Li, Hu, Liu, Peng, Zhou, Peng: Contrastive Clustering,
/// 2021, eq. 5 and 6): columns of the assignments [B, K] of two views take the place of rows, a
/// cluster's other view is its column in the other, and there are 2K of them.
torch::Tensor cluster_info_nce(const ViewPair& assignments, double temperature);

/// log K minus the entropy of the mean assignment (eq. 6 there, with its sign and its range turned
/// into a loss), a scalar: 0 where all clusters have the same share of the rows [B, K], log K where
/// one has all.
torch::Tensor imbalance(const torch::Tensor& assignments);

/// InfoNCE against a queue of keys (He, Fan, Wu, Xie, Girshick: Momentum Contrast for Unsupervised
/// Visual Representation Learning, 2020, eq. 1), a scalar: the mean over the rows q of
/// -log( exp(s(q, k) / t) / (exp(s(q, k) / t) + sum over queued u of exp(s(q, u) / t)) ). Queries
/// and keys [B, D], row i of both of image i; queue [Q, D]; same [B, Q], bool, where a queued key
/// is of the query's own image, which is then left out of its sum.
torch::Tensor queue_info_nce(const torch::Tensor& queries, const torch::Tensor& keys,
                             const torch::Tensor& queue, const torch::Tensor& same,
                             double temperature);

}  // namespace coterie
