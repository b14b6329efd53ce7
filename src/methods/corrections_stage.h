#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "coterie/methods/image_outputs.h"
#include "coterie/methods/method.h"
#include "coterie/train/engine.h"

namespace coterie {

/// What the training on corrections works with.
struct CorrectionWork {
  std::int64_t clusters = 0;
  torch::nn::Module* network = nullptr;
  torch::nn::Module* head = nullptr;
  bool fresh_network = false;  ///< with its first weights: it learns longer
  bool fresh_head = false;     ///< the same; on a trained network it learns the labels alone before
  /// Logarithms of probabilities [B, K] of images in 0..1, with gradient; where `head_alone`, of
  /// the head's weights only.
  std::function<torch::Tensor(const torch::Tensor&, bool head_alone)> log_probabilities;
  /// All images as network and head have them now.
  std::function<ImageOutputs()> outputs;
};

/// The stages in which a network learns what people said of images, after its own training: pairs
/// with a constraint are drawn together or apart (`constraint_loss`), and all images keep the
/// labels of `corrections`, or where there are none those that they have when that begins, with
/// cross-entropy. A step takes as many pairs as images, or all there are. Constraints that
/// contradict earlier ones are left out.
std::vector<Stage> correction_stages(const TrainingData& data, const Corrections& corrections,
                                     Engine& engine, const CorrectionWork& work);

}  // namespace coterie
