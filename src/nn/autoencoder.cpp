#include "coterie/nn/autoencoder.h"

#include <algorithm>

#include "coterie/core/error.h"
#include "coterie/core/text.h"
#include "coterie/nn/batch_norm.h"
#include "coterie/nn/transposed_conv.h"

namespace coterie {
namespace {

struct Down {
  std::int64_t channels, kernel, stride, padding;
};
struct Up {
  std::int64_t channels, kernel;  // 0 channels: the image's own
  TransposedGeometry geometry;
};
struct AutoencoderPlan {
  std::int64_t side;
  std::vector<Down> encoder;
  std::vector<Up> decoder;
  std::int64_t map_side;  // of the encoder's last map
};

const std::vector<AutoencoderPlan>& plans() {
  static const std::vector<AutoencoderPlan> all = {
      {28,
       {{8, 3, 2, 1}, {16, 3, 2, 1}, {32, 3, 2, 1}, {64, 3, 2, 1}},
       {{32, 3, {2, 1, 1}}, {16, 3, {2, 1, 0}}, {8, 3, {2, 1, 1}}, {0, 3, {2, 1, 1}}},
       2},
      {32,
       {{8, 3, 2, 1}, {16, 3, 2, 1}, {32, 3, 2, 1}, {64, 3, 2, 1}},
       {{32, 3, {2, 1, 1}}, {16, 3, {2, 1, 1}}, {8, 3, {2, 1, 1}}, {0, 3, {2, 1, 1}}},
       2},
      {96,
       {{16, 5, 4, 2}, {32, 3, 2, 1}, {64, 3, 2, 1}, {128, 3, 2, 1}, {256, 3, 1, 0}},
       {{128, 3, {2, 0, 0}},
        {64, 3, {2, 1, 1}},
        {32, 3, {2, 1, 1}},
        {16, 3, {2, 1, 1}},
        {0, 5, {4, 1, 1}}},
       1}};
  return all;
}

const AutoencoderPlan& plan_for(const AutoencoderShape& shape) {
  for (const AutoencoderPlan& plan : plans())
    if (plan.side == shape.side) return plan;
  std::vector<std::string> sides;
  for (const auto side : autoencoder_sides()) sides.push_back(std::to_string(side));
  throw UserError("there is no autoencoder for images of {} pixels: allowed is {}", shape.side,
                  join(sides, ", "));
}

}  // namespace

const std::vector<std::int64_t>& autoencoder_sides() {
  static const std::vector<std::int64_t> sides = [] {
    std::vector<std::int64_t> out;
    for (const AutoencoderPlan& plan : plans()) out.push_back(plan.side);
    return out;
  }();
  return sides;
}

std::int64_t nearest_autoencoder_side(std::int64_t side) {
  std::int64_t best = autoencoder_sides().front();
  const auto ratio = [&](std::int64_t s) {
    return static_cast<double>(std::max(s, side)) / static_cast<double>(std::min(s, side));
  };
  for (const auto candidate : autoencoder_sides())
    if (ratio(candidate) <= ratio(best)) best = candidate;
  return best;
}

AutoencoderImpl::AutoencoderImpl(const AutoencoderShape& shape) : shape_(shape) {
  const AutoencoderPlan& plan = plan_for(shape);
  if (shape.channels != 1 && shape.channels != 3)
    throw UserError("there is no autoencoder for images of {} channels: allowed is 1 or 3",
                    shape.channels);
  if (shape.bottleneck < 0)
    throw UserError("bottleneck = {} is out of range: allowed is >= 0", shape.bottleneck);
  if (shape.variational && shape.bottleneck == 0)
    throw UserError("a variational autoencoder needs a bottleneck of 1 or more");

  std::int64_t channels = shape.channels;
  for (const Down& down : plan.encoder) {
    encoder_->push_back(
        torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, down.channels, down.kernel)
                              .stride(down.stride)
                              .padding(down.padding)));
    encoder_->push_back(BatchNorm2d(down.channels));
    encoder_->push_back(torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
    channels = down.channels;
  }
  map_channels_ = channels;
  map_side_ = plan.map_side;
  for (const Up& up : plan.decoder) {
    const bool last = up.channels == 0;
    const std::int64_t outputs = last ? shape.channels : up.channels;
    decoder_->push_back(TransposedConv2d(channels, outputs, up.kernel, up.geometry));
    if (!last) {
      decoder_->push_back(BatchNorm2d(outputs));
      decoder_->push_back(torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
    }
    channels = outputs;
  }
  register_module("encoder", encoder_);
  register_module("decoder", decoder_);
  if (shape.bottleneck > 0) {
    const std::int64_t width = feature_width();
    to_code_ = register_module("to_code", torch::nn::Linear(width, shape.bottleneck));
    if (shape.variational)
      to_log_variance_ =
          register_module("to_log_variance", torch::nn::Linear(width, shape.bottleneck));
    from_code_ = register_module("from_code", torch::nn::Linear(shape.bottleneck, width));
  }
}

std::int64_t AutoencoderImpl::code_width() const {
  return shape_.bottleneck > 0 ? shape_.bottleneck : feature_width();
}

torch::Tensor AutoencoderImpl::features(const torch::Tensor& images) {
  return encoder_->forward(images).flatten(1);
}

torch::Tensor AutoencoderImpl::code(const torch::Tensor& features) {
  return to_code_.is_empty() ? features : to_code_->forward(features);
}

torch::Tensor AutoencoderImpl::log_variance(const torch::Tensor& features) {
  return to_log_variance_->forward(features);
}

torch::Tensor AutoencoderImpl::decode(const torch::Tensor& codes) {
  const auto maps = from_code_.is_empty() ? codes : torch::relu(from_code_->forward(codes));
  return decoder_->forward(maps.view({-1, map_channels_, map_side_, map_side_}));
}

}  // namespace coterie
