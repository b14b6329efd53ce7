#pragma once

#include <functional>

#include "coterie/core/progress.h"
#include "coterie/train/loader.h"

namespace coterie {

/// A pass over all images without training.
struct EmbedOptions {
  std::int64_t side = 28;    ///< what the network takes
  std::int64_t batch = 256;  ///< images at a time; part of the result's last digits
  torch::Device device = torch::kCPU;
  Progress* progress = nullptr;
  const CancelToken* cancel = nullptr;
};

/// Rows of `network(images)` ([B, E], images as in Batch) for every image, [N, E], without
/// gradients. The caller puts the network into eval mode. Every call gets the same number of
/// images (the last is filled up and cut), so a row does not depend on how many images there are.
Matrix<float> embed(const TrainingData& data, const EmbedOptions& options,
                    const std::function<torch::Tensor(const torch::Tensor&)>& network);

}  // namespace coterie
