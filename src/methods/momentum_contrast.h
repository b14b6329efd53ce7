#pragma once

#include <cstdint>

#include "coterie/nn/mlp.h"
#include "coterie/nn/resnet.h"
#include "coterie/train/engine.h"

namespace coterie {

struct MomentumSettings {
  std::int64_t queue = 4096;  ///< keys (see queue_length)
  double momentum = 0.99;     ///< what the slow network keeps of itself in a step
  double temperature = 0.2;
};

/// Keys that a queue of `wanted` holds where there are so many images: no image twice, which would
/// repel itself, but a batch at least.
std::int64_t queue_length(std::int64_t wanted, std::int64_t batch, std::int64_t images);

/// Momentum contrast (He, Fan, Wu, Xie, Girshick: Momentum Contrast for Unsupervised Visual
/// Representation Learning, 2020): what a network in training is compared with, namely one that
/// follows it slowly, and the keys which that gave for earlier images. A module, so that
/// checkpoints hold both.
class MomentumContrast : public torch::nn::Module {
 public:
  /// Follows `backbone` and `projector`, which it begins as copies of. Random keys at first.
  MomentumContrast(ResNet backbone, Mlp projector, const MomentumSettings& settings,
                   RandomStream& keys);

  /// The loss of a step, a scalar (queue_info_nce): `queries` [B, D] are the projections of one
  /// view, `images` [B, C, S, S] the other view as the backbone takes it. Moves the slow network
  /// first and renews the queue after.
  torch::Tensor loss(const torch::Tensor& queries, const torch::Tensor& images,
                     const Engine& engine);

 private:
  void replace(const torch::Tensor& keys);

  ResNet leader_backbone_;  // in training; not a part of this module
  Mlp leader_projector_;
  MomentumSettings settings_;
  ResNet backbone_;
  Mlp projector_;
  torch::Tensor keys_;  // [Q, D], the oldest replaced first
  torch::Tensor next_;  // place of the oldest
};

}  // namespace coterie
