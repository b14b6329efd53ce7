#include "coterie/methods/image_network.h"

#include <algorithm>

#include "coterie/core/error.h"
#include "coterie/methods/deep_context.h"
#include "coterie/nn/device.h"
#include "coterie/nn/image_ops.h"
#include "coterie/nn/precision.h"
#include "coterie/nn/tensors.h"
#include "coterie/train/embed.h"
#include "coterie/train/loader.h"

namespace coterie {
namespace {

constexpr std::int64_t kEmbedBatch = 256;

torch::Tensor channel_values(const StoredModel& model, const std::string& name,
                             std::int64_t channels) {
  const auto found = model.tensors.find(name);
  if (found == model.tensors.end() || found->second.dtype != DType::f32 ||
      found->second.shape != std::vector<std::int64_t>{1, channels, 1, 1})
    throw UserError("the stored model has no tensor '{}' of {} channel(s); train it again", name,
                    channels);
  return to_torch(found->second);
}

}  // namespace

void ImageNetwork::observe(const TrainingData& data, std::int64_t side, std::int64_t least) {
  shape_ = data.shape;
  side_ = side > 0 ? side : std::max({shape_.height, shape_.width, least});
  if (side_ < least)
    throw UserError("side = {} is out of range: allowed is 0 or {} to 1024", side_, least);
  const ChannelStatistics statistics = channel_statistics(data);
  mean_ = statistics.mean;
  deviation_ = statistics.deviation;
}

void ImageNetwork::to(const torch::Device& device) {
  module().to(device);
  mean_ = mean_.to(device);
  deviation_ = deviation_.to(device);
}

torch::Tensor ImageNetwork::normalised(const torch::Tensor& images) const {
  return normalise(images, mean_, deviation_);
}

Matrix<float> ImageNetwork::embed(
    const TrainingData& data, const FitContext& context,
    const std::function<torch::Tensor(const torch::Tensor&)>& outputs) {
  if (!mean_.defined())
    throw std::logic_error("embed with a network that was neither made nor loaded");
  check_images(data, 1);
  check_shape(data.shape, shape_);
  const torch::Device device = process_device(context);
  const Precision precision = resolve_precision(context.precision, device);
  to(device);
  module().eval();
  return coterie::embed(data,
                        {.side = side_,
                         .batch = kEmbedBatch,
                         .device = device,
                         .progress = context.progress,
                         .cancel = context.cancel},
                        [&](const torch::Tensor& images) {
                          return forward_in(precision, normalised(images), outputs);
                        });
}

void ImageNetwork::save(const std::string& prefix, StoredModel& model) {
  save_module(module(), prefix, model.tensors);
  model.tensors["mean"] = from_torch(mean_);
  model.tensors["deviation"] = from_torch(deviation_);
  model.meta["shape"] = {shape_.channels, shape_.height, shape_.width};
  model.meta["side"] = side_;
}

void ImageNetwork::load_images(const StoredModel& model) {
  const auto& sizes = model.meta.at("shape");
  shape_ = {sizes.at(0), sizes.at(1), sizes.at(2)};
  side_ = model.meta.at("side");
  mean_ = channel_values(model, "mean", shape_.channels);
  deviation_ = channel_values(model, "deviation", shape_.channels);
}

void ImageNetwork::load_weights(const std::string& prefix, const StoredModel& model) {
  load_module(module(), prefix, model.tensors);
  module().eval();
}

}  // namespace coterie
