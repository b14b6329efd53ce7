#include "coterie/methods/image_encoder.h"

#include <algorithm>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/methods/deep_context.h"
#include "coterie/nn/device.h"
#include "coterie/nn/image_ops.h"
#include "coterie/nn/tensors.h"
#include "coterie/train/embed.h"
#include "coterie/train/loader.h"

namespace coterie {
namespace {

constexpr std::int64_t kEmbedBatch = 256;
constexpr std::int64_t kLeastSide = 16;  // below, nothing is left after the blocks
constexpr const char* kBackbone = "backbone/";

ViewPreset preset_of(ViewChoice choice, std::int64_t channels) {
  switch (choice) {
    case ViewChoice::weak:
      return ViewPreset::weak;
    case ViewChoice::strong:
      return ViewPreset::strong;
    case ViewChoice::simclr:
      return ViewPreset::simclr;
    case ViewChoice::digits:
      return ViewPreset::digits;
    case ViewChoice::automatic:
      break;
  }
  return channels == 1 ? ViewPreset::digits : ViewPreset::simclr;
}

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

void ImageEncoder::make_backbone(const EncoderParams& params) {
  preset_ = preset_of(params.views, shape_.channels);
  backbone_ = ResNet(
      ResNetShape{.kind = params.backbone, .stem = stem_for(side_), .channels = shape_.channels});
}

void ImageEncoder::build(const EncoderParams& params, const TrainingData& data,
                         const FitContext& context) {
  shape_ = data.shape;
  side_ = params.side > 0 ? params.side : std::max({shape_.height, shape_.width, kLeastSide});
  if (side_ < kLeastSide)
    throw UserError("side = {} is out of range: allowed is 0 or {} to 1024", side_, kLeastSide);
  const ChannelStatistics statistics = channel_statistics(data);
  mean_ = statistics.mean;
  deviation_ = statistics.deviation;
  make_backbone(params);
  RandomStream weights(context.seed, "backbone");
  backbone_->initialise(weights);
  if (!context.weights.empty()) load_backbone(*backbone_, context.weights);
  if (!context.init_from.empty()) {
    const TensorMap model = read_safetensors(context.init_from).tensors;
    if (tensors_under(kBackbone, model).empty())
      throw UserError(
          "--init-from: the run holds no backbone; give one of simclr, moco, cc or dpac");
    load_module(*backbone_, kBackbone, model);
  }
}

ViewRecipe ImageEncoder::recipe() const { return view_recipe(preset_, side_); }

void ImageEncoder::to(const torch::Device& device) {
  backbone_->to(device);
  mean_ = mean_.to(device);
  deviation_ = deviation_.to(device);
}

torch::Tensor ImageEncoder::normalised(const torch::Tensor& images) const {
  return normalise(images, mean_, deviation_);
}

Matrix<float> ImageEncoder::embed(
    const TrainingData& data, const FitContext& context,
    const std::function<torch::Tensor(const torch::Tensor&)>& outputs) {
  if (!backbone_) throw std::logic_error("embed with a network that was neither made nor loaded");
  check_images(data, 1);
  check_shape(data.shape, shape_);
  const torch::Device device = resolve_device(context.device);
  const Precision precision = resolve_precision(context.precision, device);
  to(device);
  backbone_->eval();
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

void ImageEncoder::save(StoredModel& model) const {
  save_module(*backbone_, kBackbone, model.tensors);
  model.tensors["mean"] = from_torch(mean_);
  model.tensors["deviation"] = from_torch(deviation_);
  model.meta["shape"] = {shape_.channels, shape_.height, shape_.width};
  model.meta["side"] = side_;
}

void ImageEncoder::load(const EncoderParams& params, const StoredModel& model) {
  const auto& sizes = model.meta.at("shape");
  shape_ = {sizes.at(0), sizes.at(1), sizes.at(2)};
  side_ = model.meta.at("side");
  mean_ = channel_values(model, "mean", shape_.channels);
  deviation_ = channel_values(model, "deviation", shape_.channels);
  make_backbone(params);
  load_module(*backbone_, kBackbone, model.tensors);
  backbone_->eval();
}

}  // namespace coterie
