#pragma once

#include "coterie/nn/torch.h"

namespace coterie {

/// Soft assignment of codes [B, E] to centres [K, E], [B, K] (Xie, Girshick, Farhadi: Unsupervised
/// Deep Embedding for Clustering Analysis, 2016, eq. 1): q_ik ~ (1 + |z_i - c_k|^2 / a)^(-(a+1)/2).
torch::Tensor student_t_assignment(const torch::Tensor& codes, const torch::Tensor& centres,
                                   double alpha = 1);
/// Its logarithm, whose slope stays finite however far a code is from a centre.
torch::Tensor student_t_log_assignment(const torch::Tensor& codes, const torch::Tensor& centres,
                                       double alpha = 1);

/// What soft assignments [N, K] of all images are drawn towards (the same, eq. 3), [N, K]:
/// p_ik ~ q_ik^2 / sum_j q_jk.
torch::Tensor target_distribution(const torch::Tensor& assignment);

/// Mean over the rows of KL(target || assignment), [B, K] both, a scalar. Rows are distributions.
/// Of the assignment it takes the logarithm (`log_softmax`): a probability that was rounded to 0
/// would have no slope.
torch::Tensor kl_divergence(const torch::Tensor& target, const torch::Tensor& log_assignment);

/// Mean over the rows of KL(N(mean, exp(log_variance)) || N(0, 1)), [B, E] both, a scalar (Kingma,
/// Welling: Auto-Encoding Variational Bayes, 2014, appendix B).
torch::Tensor normal_divergence(const torch::Tensor& mean, const torch::Tensor& log_variance);

/// Rows [B, E] with mean 0 and, where `whiten`, the identity as covariance, in double: directions
/// that the batch hardly varies in, which B rows cannot tell from none, become 0.
torch::Tensor centred_rows(const torch::Tensor& rows, bool whiten);

/// What an image's score for a cluster is made of.
enum class AggregatedScores {
  sums,      ///< s_ik = sum_j p_jk d_ij, as printed
  means,     ///< the same divided by sum_j p_jk over the others, j != i
  balanced,  ///< of means, and what comes of them is divided by the cluster's size, sum_j p_jk over
             ///< all, at least one image: half as large, twice as likely
};

/// Rows [B, E] of unit length, in double and without gradient; zeros stay zeros.
torch::Tensor unit_rows(const torch::Tensor& rows);

/// Clusters as their sizes [1, K] and the sums of their directions [E, K], in double: an image of
/// probabilities p_k and unit direction x counts as p_k and x p_k.
struct AggregatedClusters {
  torch::Tensor sizes, sums;
};

/// The targets q [B, K] (see aggregated_target) of images with these unit directions [B, E] and
/// probabilities [B, K], in double, which are among those that make the clusters.
torch::Tensor targets_of(const AggregatedClusters& clusters, const torch::Tensor& directions,
                         const torch::Tensor& probabilities, double m, AggregatedScores kind);

/// Online probability aggregation (Yan, Lu, Yan: Deep Probability Aggregation Clustering, 2024,
/// eq. 9), [B, K]: q_ik ~ s_ik^(-1/(m-1)) with scores s (see AggregatedScores) and d the cosine
/// distance of features [B, E]; a row has no say in its own target. In double, without gradient, in
/// time linear in B; returned in the type of `probabilities` [B, K].
torch::Tensor aggregated_target(const torch::Tensor& features, const torch::Tensor& probabilities,
                                double m, AggregatedScores scores = AggregatedScores::sums);

/// Features [B, E] of images with their probabilities [B, K].
struct AssignedRows {
  torch::Tensor features;
  torch::Tensor probabilities;
};

/// J_pac (the same, eq. 1 and 13) per image, a scalar: K / (B N) times the sum over i of `own` [B]
/// and j of `all` [N] of p_i p_j d_ij, d the cosine distance. Where clusters are certain and
/// equally large it is the mean distance within one. Gradient through the probabilities alone; the
/// sum is taken in double, in time linear in B and N.
torch::Tensor aggregated_distance(const AssignedRows& own, const AssignedRows& all);

}  // namespace coterie
