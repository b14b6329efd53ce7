#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coterie/core/random.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// Images of one training step.
struct Batch {
  std::vector<std::int64_t> indices;  ///< their rows in the data set
  torch::Tensor images;               ///< [B, C, S, S], float in 0..1, on the training device
  std::int64_t epoch = 0;             ///< from 0, within the stage
  std::int64_t step = 0;              ///< from 0, within the epoch
  /// Random numbers of this step alone, the same after a resume.
  RandomStream random;
};

/// What a step computes: the scalar to minimise, and named scalars for progress and history.
struct Losses {
  torch::Tensor total;
  std::vector<std::pair<std::string, torch::Tensor>> parts;
};

enum class LearningRate {
  constant,
  cosine,  ///< falls to zero along half a cosine over the stage's steps
};

/// One phase of training.
struct Stage {
  std::string name;
  std::int64_t epochs = 1;
  std::int64_t batch_size = 256;
  double learning_rate = 1e-3;
  double weight_decay = 0;
  LearningRate schedule = LearningRate::constant;
  /// What this stage trains. Batch norm needs two images or more: a last batch of one is left out.
  std::vector<torch::nn::Module*> trained;
  std::function<Losses(Batch&)> step;
};

}  // namespace coterie
