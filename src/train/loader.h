#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "coterie/core/matrix.h"
#include "coterie/data/dataset.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// Brings images of a pack to the training device, batch by batch.
class Loader {
 public:
  /// `side`: height and width that the network takes; images of another size are resized
  /// (bilinear, antialiased). `most`: the largest batch.
  Loader(const TrainingData& data, std::int64_t side, std::int64_t most, torch::Device device);

  /// The images at `indices` as float [B, C, side, side] in 0..1 on the device.
  torch::Tensor batch(std::span<const std::int64_t> indices);
  std::int64_t count() const { return data_.count; }

 private:
  TrainingData data_;
  std::int64_t side_;
  torch::Device device_;
  torch::Tensor bytes_;  // [most, C, H, W], uint8; page-locked where the device is a GPU
};

/// Mean of each channel over all images, in 0..1, [1, C, 1, 1].
torch::Tensor channel_means(const TrainingData& data);

}  // namespace coterie
