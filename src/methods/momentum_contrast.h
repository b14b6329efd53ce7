#pragma once

#include <cstdint>
#include <memory>

#include "coterie/nn/mlp.h"
#include "coterie/nn/resnet.h"
#include "coterie/train/engine.h"

namespace coterie {

struct MomentumSettings {
  std::int64_t queue = 4096;  ///< keys
  double momentum = 0.99;     ///< what the slow network keeps of itself in a step
  double temperature = 0.2;
};

/// Momentum contrast (He, Fan, Wu, Xie, Girshick: Momentum Contrast for Unsupervised Visual
/// Representation Learning, 2020): what a network in training is compared with, namely one that
/// follows it slowly, and the keys which that gave for earlier images. An image is never compared
/// with an older key of its own. A module, so that checkpoints hold both.
class MomentumContrast : public torch::nn::Module {
 public:
  /// Follows `backbone` and `projector`, which it begins as copies of, on their device. Random keys
  /// at first.
  MomentumContrast(ResNet backbone, Mlp projector, const MomentumSettings& settings,
                   RandomStream& keys);

  /// The loss of a step, a scalar (queue_info_nce): `queries` [B, D] are the projections of one
  /// view of a batch, `views` [B, C, S, S] the other view as the backbone takes it. Moves the slow
  /// network first and renews the queue after.
  torch::Tensor loss(const torch::Tensor& queries, const torch::Tensor& views, const Batch& batch,
                     const Engine& engine);

 private:
  /// Keys [B, D] of images [B].
  void replace(const torch::Tensor& keys, const torch::Tensor& images);

  ResNet leader_backbone_;  // in training; not a part of this module
  Mlp leader_projector_;
  MomentumSettings settings_;
  ResNet backbone_;
  Mlp projector_;
  torch::Tensor keys_;    // [Q, D], the oldest replaced first
  torch::Tensor images_;  // [Q], whose keys they are; -1: nobody's
  torch::Tensor next_;    // place of the oldest
};

/// One for stages of batches of at most `largest` images, on the engine's images, kept by the
/// engine. Its queue is at most as long as there are images, and at least a batch.
/// `share_batch_norms`: see Engine.
std::shared_ptr<MomentumContrast> make_momentum_contrast(const ResNet& backbone,
                                                         const Mlp& projector,
                                                         MomentumSettings settings,
                                                         std::int64_t largest,
                                                         bool share_batch_norms, Engine& engine);

}  // namespace coterie
