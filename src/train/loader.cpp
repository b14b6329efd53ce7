#include "coterie/train/loader.h"

#include <cstring>
#include <mutex>
#include <vector>

#include "coterie/core/parallel.h"

namespace coterie {

Loader::Loader(const TrainingData& data, std::int64_t side, std::int64_t most, torch::Device device)
    : data_(data), side_(side), device_(device) {
  bytes_ = torch::empty({most, data.shape.channels, data.shape.height, data.shape.width},
                        torch::TensorOptions(torch::kByte).pinned_memory(device.is_cuda()));
}

torch::Tensor Loader::batch(std::span<const std::int64_t> indices) {
  const auto rows = static_cast<std::int64_t>(indices.size());
  const auto size = static_cast<std::size_t>(data_.shape.pixels());
  auto* target = bytes_.data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < rows; ++i)
    std::memcpy(target + i * size, data_.image(indices[i]).data(), size);
  auto images = bytes_.narrow(0, 0, rows).to(device_).to(torch::kFloat).mul_(1.0f / 255.0f);
  if (data_.shape.height != side_ || data_.shape.width != side_)
    images = resize_antialiased(images, side_, side_);
  return images;
}

torch::Tensor channel_means(const TrainingData& data) {
  const std::int64_t channels = data.shape.channels;
  const std::int64_t plane = data.shape.height * data.shape.width;
  // Sums of bytes are whole numbers: the result does not depend on the number of threads.
  std::vector<std::uint64_t> sums(channels);
  std::mutex mutex;
  parallel_for(data.count, 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint64_t> part(channels);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint8_t* image = data.image(i).data();
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t p = 0; p < plane; ++p) part[c] += image[c * plane + p];
    }
    std::lock_guard lock(mutex);
    for (std::int64_t c = 0; c < channels; ++c) sums[c] += part[c];
  });
  auto means = torch::empty({1, channels, 1, 1});
  for (std::int64_t c = 0; c < channels; ++c)
    means.data_ptr<float>()[c] = static_cast<float>(
        static_cast<double>(sums[c]) / (255.0 * static_cast<double>(data.count * plane)));
  return means;
}

}  // namespace coterie
