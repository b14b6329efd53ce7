#include "coterie/methods/image_autoencoder.h"

#include <algorithm>

#include "coterie/core/error.h"
#include "coterie/loss/distributions.h"
#include "coterie/methods/deep_context.h"
#include "coterie/nn/device.h"
#include "coterie/nn/tensors.h"
#include "coterie/train/embed.h"
#include "coterie/train/loader.h"

namespace coterie {
namespace {

constexpr std::int64_t kCodeBatch = 256;
constexpr const char* kNetwork = "autoencoder/";

/// 0 with probability `part`, else 1, for each value of `like`.
torch::Tensor mask(const torch::Tensor& like, double part, RandomStream& stream) {
  auto values = torch::empty(like.sizes(), torch::kFloat);
  auto* p = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) p[i] = stream.uniform() < part ? 0.f : 1.f;
  return values.to(like.device());
}

/// Numbers from N(0, 1) in the shape of `like`.
torch::Tensor normals(const torch::Tensor& like, RandomStream& stream) {
  auto values = torch::empty(like.sizes(), torch::kFloat);
  auto* p = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) p[i] = static_cast<float>(stream.normal());
  return values.to(like.device());
}

}  // namespace

void ImageAutoencoder::make_network(std::int64_t side, bool variational) {
  network_ = Autoencoder(AutoencoderShape{.channels = shape_.channels,
                                          .side = side,
                                          .bottleneck = params_.bottleneck,
                                          .variational = variational});
}

void ImageAutoencoder::build(const AutoencoderParams& params, const TrainingData& data,
                             const FitContext& context, bool variational) {
  params_ = params;
  shape_ = data.shape;
  mean_ = channel_statistics(data).mean;
  if (!params.centre) mean_.zero_();
  make_network(nearest_autoencoder_side(std::max(shape_.height, shape_.width)), variational);
  RandomStream weights(context.seed, "ae/weights");
  initialise(*network_, weights);
  if (!context.init_from.empty())
    load_module(*network_, kNetwork, read_safetensors(context.init_from).tensors);
}

void ImageAutoencoder::to(const torch::Device& device) {
  network_->to(device);
  mean_ = mean_.to(device);
}

torch::Tensor ImageAutoencoder::distorted(const torch::Tensor& images, RandomStream& stream) const {
  const AffineRange range = params_.distortion();
  const auto moved = range.identity() ? images : random_affine(images, range, stream);
  return params_.noise > 0 ? moved * mask(moved, params_.noise, stream) : moved;
}

torch::Tensor ImageAutoencoder::reconstruction(const torch::Tensor& images,
                                               const torch::Tensor& back) const {
  return reconstruction_loss(images, back, params_.reconstruction);
}

Stage ImageAutoencoder::pretraining(const Engine& engine) {
  return {
      .name = "reconstruction",
      .epochs = params_.pretrain_epochs,
      .batch_size = params_.batch_size,
      .learning_rate = params_.pretrain_rate,
      .schedule = params_.schedule,
      .optimiser = {.weight_decay = params_.weight_decay},
      .trained = {network_.get()},
      .step = [this, &engine](Batch& batch) -> Losses {
        // The code must tell what the plain image looks like, however it was turned and moved:
        // so it holds form rather than position.
        const auto seen = normalised(distorted(batch.images, batch.random));
        const auto plain = normalised(batch.images);
        if (!network_->shape().variational) {
          const auto back =
              engine.forward(seen, [&](const torch::Tensor& x) { return network_->forward(x); });
          const auto loss = reconstruction(plain, back);
          return {loss, {{"reconstruction", loss}}};
        }
        torch::Tensor mean, log_variance;
        const auto back = engine.forward(seen, [&](const torch::Tensor& x) {
          const auto features = network_->features(x);
          mean = network_->code(features);
          log_variance = network_->log_variance(features);
          return network_->decode(mean + normals(mean, batch.random) * (0.5 * log_variance).exp());
        });
        // The evidence lower bound, with a unit variance for each value of the image, divided
        // by their number where the reconstruction is.
        const auto loss = reconstruction(plain, back);
        const double values = params_.reconstruction == ReconstructionScale::mean
                                  ? static_cast<double>(plain.numel() / plain.size(0))
                                  : 1;
        const auto divergence =
            normal_divergence(mean.to(torch::kFloat), log_variance.to(torch::kFloat)) / values;
        return {loss + divergence, {{"reconstruction", loss}, {"divergence", divergence}}};
      }};
}

Matrix<float> ImageAutoencoder::embed(
    const TrainingData& data, const FitContext& context,
    const std::function<torch::Tensor(const torch::Tensor&)>& outputs) {
  if (!network_) throw std::logic_error("embed with a network that was neither made nor loaded");
  check_images(data, 1);
  check_shape(data.shape, shape_);
  const torch::Device device = process_device(context);
  const Precision precision = resolve_precision(context.precision, device);
  to(device);
  network_->eval();
  return coterie::embed(data,
                        {.side = side(),
                         .batch = kCodeBatch,
                         .device = device,
                         .progress = context.progress,
                         .cancel = context.cancel},
                        [&](const torch::Tensor& images) {
                          return forward_in(precision, normalised(images), outputs);
                        });
}

Matrix<float> ImageAutoencoder::codes(const TrainingData& data, const FitContext& context) {
  return embed(data, context, [&](const torch::Tensor& x) { return network_->encode(x); });
}

void ImageAutoencoder::save(StoredModel& model) const {
  save_module(*network_, kNetwork, model.tensors);
  model.tensors["mean"] = from_torch(mean_);
  model.meta["shape"] = {shape_.channels, shape_.height, shape_.width};
  model.meta["side"] = side();
}

void ImageAutoencoder::load(const AutoencoderParams& params, const StoredModel& model,
                            bool variational) {
  params_ = params;
  const auto& sizes = model.meta.at("shape");
  shape_ = {sizes.at(0), sizes.at(1), sizes.at(2)};
  make_network(model.meta.at("side"), variational);
  load_module(*network_, kNetwork, model.tensors);
  network_->eval();
  const auto mean = model.tensors.find("mean");
  if (mean == model.tensors.end() || mean->second.dtype != DType::f32 ||
      mean->second.shape != std::vector<std::int64_t>{1, shape_.channels, 1, 1})
    throw UserError("the stored model has no tensor 'mean' of {} channel(s); train it again",
                    shape_.channels);
  mean_ = to_torch(mean->second);
}

}  // namespace coterie
