#include "coterie/train/loader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>

#include "coterie/core/parallel.h"

namespace coterie {

Loader::Loader(const TrainingData& data, std::int64_t side, torch::Device device)
    : data_(data), side_(side), device_(device) {}

torch::Tensor Loader::gather(const std::vector<std::int64_t>& indices) const {
  const auto rows = static_cast<std::int64_t>(indices.size());
  // A fresh page-locked tensor each time: libtorch uses its memory again only when the copy to the
  // GPU is over, however far ahead of the GPU this thread is.
  auto bytes = torch::empty({rows, data_.shape.channels, data_.shape.height, data_.shape.width},
                            torch::TensorOptions(torch::kByte).pinned_memory(device_.is_cuda()));
  const auto size = static_cast<std::size_t>(data_.shape.pixels());
  auto* target = bytes.data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < rows; ++i)
    std::memcpy(target + i * size, data_.image(indices[i]).data(), size);
  return bytes;
}

void Loader::prefetch(std::vector<std::int64_t> indices) {
  coming_ = std::move(indices);
  bytes_ = std::async(std::launch::async, [this] { return gather(coming_); });
}

torch::Tensor Loader::batch(const std::vector<std::int64_t>& indices) {
  torch::Tensor bytes;
  if (bytes_.valid()) bytes = bytes_.get();
  if (!bytes.defined() || coming_ != indices) bytes = gather(indices);
  return on_device(bytes);
}

torch::Tensor Loader::on_device(const torch::Tensor& bytes) const {
  auto images = bytes.to(device_, /*non_blocking=*/true).to(torch::kFloat).mul_(1.0f / 255.0f);
  if (data_.shape.height != side_ || data_.shape.width != side_)
    images = resize_antialiased(images, side_, side_);
  return images;
}

ChannelStatistics channel_statistics(const TrainingData& data) {
  const std::int64_t channels = data.shape.channels;
  const std::int64_t plane = data.shape.height * data.shape.width;
  // Sums of bytes are whole numbers: the result does not depend on the number of threads.
  std::vector<std::uint64_t> sums(channels), squares(channels);
  std::mutex mutex;
  parallel_for(data.count, 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint64_t> sum(channels), square(channels);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint8_t* image = data.image(i).data();
      for (std::int64_t c = 0; c < channels; ++c) {
        std::uint64_t s = 0, q = 0;
        for (std::int64_t p = 0; p < plane; ++p) {
          const std::uint32_t value = image[c * plane + p];
          s += value;
          q += value * value;
        }
        sum[c] += s;
        square[c] += q;
      }
    }
    std::lock_guard lock(mutex);
    for (std::int64_t c = 0; c < channels; ++c) {
      sums[c] += sum[c];
      squares[c] += square[c];
    }
  });
  ChannelStatistics statistics{torch::empty({1, channels, 1, 1}),
                               torch::empty({1, channels, 1, 1})};
  const auto values = static_cast<double>(data.count * plane);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(sums[c]) / values;
    const double variance = static_cast<double>(squares[c]) / values - mean * mean;
    statistics.mean.data_ptr<float>()[c] = static_cast<float>(mean / 255);
    statistics.deviation.data_ptr<float>()[c] =
        static_cast<float>(std::max(std::sqrt(std::max(variance, 0.0)) / 255, 1e-3));
  }
  return statistics;
}

}  // namespace coterie
