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

/// The losses of contrastive clustering on two views of a batch: of images, of clusters, and what
/// keeps the clusters equally large.
Losses cc_losses(Batch& batch, ImageEncoder& encoder, ContrastHeads& heads, const Engine& engine,
                 const CcSettings& settings);

}  // namespace coterie
