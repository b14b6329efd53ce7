#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/data/dataset.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// Brings images of a pack to the training device, batch by batch. While one batch is computed
/// with, a thread gathers the bytes of the next, so that a slow disk is not waited for.
class Loader {
 public:
  /// `side`: height and width that the network takes; images of another size are resized
  /// (bilinear, antialiased).
  Loader(const TrainingData& data, std::int64_t side, torch::Device device);
  Loader(const Loader&) = delete;

  /// Begins to gather the images that `batch` will be asked for next.
  void prefetch(std::vector<std::int64_t> indices);
  /// The images at `indices` as float [B, C, side, side] in 0..1 on the device.
  torch::Tensor batch(const std::vector<std::int64_t>& indices);
  /// The same without regard to what is being gathered.
  torch::Tensor images(const std::vector<std::int64_t>& indices) const {
    return on_device(gather(indices));
  }

 private:
  torch::Tensor gather(const std::vector<std::int64_t>& indices) const;
  torch::Tensor on_device(const torch::Tensor& bytes) const;

  TrainingData data_;
  std::int64_t side_;
  torch::Device device_;
  std::vector<std::int64_t> coming_;  // what is being gathered
  std::future<torch::Tensor> bytes_;
};

/// Mean and standard deviation of each channel over all images, in 0..1, [1, C, 1, 1].
struct ChannelStatistics {
  torch::Tensor mean;
  torch::Tensor deviation;  ///< at least 1e-3
};
ChannelStatistics channel_statistics(const TrainingData& data);

}  // namespace coterie
