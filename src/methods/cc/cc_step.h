#pragma once

#include "coterie/methods/contrast_heads.h"
#include "coterie/methods/image_encoder.h"
#include "coterie/train/engine.h"

namespace coterie {

struct CcSettings {
  double temperature = 0.5;
  double cluster_temperature = 1;
  double balance = 1;
};

/// What two views of a batch say of clusters, over the images of all processes, in each of them
/// alike.
struct CcClusterTerms {
  torch::Tensor contrast;  ///< the views' columns against each other
  torch::Tensor skew;      ///< what is least where the clusters are equally large
};
/// Of probabilities [2B, K]: those of the first views, then those of the second.
CcClusterTerms cc_cluster_terms(const torch::Tensor& assigned, const Processes& processes,
                                double temperature);

/// Two views of each image of a batch, contrasted with those of other images.
struct ContrastedViews {
  torch::Tensor logits;    ///< of clusters, [2B, K]: of the first views, then of the second
  torch::Tensor info_nce;  ///< of the projections, over the images of all processes
};
ContrastedViews contrast_views(Batch& batch, ImageEncoder& encoder, ContrastHeads& heads,
                               const Engine& engine, double temperature);

/// The losses of contrastive clustering on two views of a batch: of images, of clusters, and what
/// keeps the clusters equally large.
Losses cc_losses(Batch& batch, ImageEncoder& encoder, ContrastHeads& heads, const Engine& engine,
                 const CcSettings& settings);

}  // namespace coterie
