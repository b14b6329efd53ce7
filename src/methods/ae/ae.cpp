#include "coterie/methods/ae/ae.h"

#include <memory>
#include <utility>

#include "coterie/methods/ae/ae_params.h"
#include "coterie/methods/deep_context.h"
#include "coterie/methods/embedding_clusters.h"
#include "coterie/nn/augment.h"
#include "coterie/nn/autoencoder.h"
#include "coterie/nn/device.h"
#include "coterie/nn/tensors.h"
#include "coterie/train/embed.h"
#include "coterie/train/engine.h"

namespace coterie {
namespace {

/// Part of a time budget that training may take; embedding and clustering need the rest.
constexpr double kTrainingShare = 0.85;
constexpr std::int64_t kEmbedBatch = 256;

class Ae : public MethodWith<AeParams> {
 public:
  const MethodInfo& info() const override {
    static const MethodInfo kInfo = {
        .name = "ae",
        .family = "autoencoder",
        .summary = "a convolutional autoencoder, then PAC or k-means on its codes",
        .paper =
            "Yu, Liu, Han, Li, Tang, Wu: Representation Learning Based on Autoencoder and Deep "
            "Adaptive Clustering for Image Clustering, 2021, its first stage",
        .input = InputKind::images,
        .finds_clusters = true};
    return kInfo;
  }

  Clustering fit(const TrainingData& data, const FitContext& context) override;
  Clustering predict(const TrainingData& data, const FitContext& context) const override;
  StoredModel save() const override;
  void load(const StoredModel& model) override;
  nlohmann::json statistics() const override {
    nlohmann::json all = statistics_;
    all.update(clusters_.statistics());
    return all;
  }

 private:
  void build(const AutoencoderShape& shape);
  void train(const TrainingData& data, const FitContext& context);
  /// The rows that are clustered, [N, E], from the trained network.
  Matrix<float> codes(const TrainingData& data, const FitContext& context) const;

  ImageShape image_shape_;  // of the images trained on
  torch::Tensor mean_;      // of each channel, [1, C, 1, 1]
  std::shared_ptr<AutoencoderImpl> network_;
  EmbeddingClusters clusters_;
  nlohmann::json statistics_ = nlohmann::json::object();
};

void Ae::build(const AutoencoderShape& shape) {
  network_ = std::make_shared<AutoencoderImpl>(shape);
}

Clustering Ae::fit(const TrainingData& data, const FitContext& context) {
  AeParams::fields().validate(params_);
  check_training_images(data);
  check_clusters(context, data);
  image_shape_ = data.shape;
  mean_ = channel_statistics(data).mean;
  build({.channels = data.shape.channels,
         .side = nearest_autoencoder_side(std::max(data.shape.height, data.shape.width)),
         .bottleneck = params_.bottleneck});
  train(data, context);

  clusters_ = EmbeddingClusters(params_);
  return clusters_.fit(codes(data, context), context);
}

void Ae::train(const TrainingData& data, const FitContext& context) {
  RandomStream weights(context.seed, "ae/weights");
  initialise(*network_, weights);
  nlohmann::json identity = {{"method", "ae"}};
  for (const auto& [name, value] : parameter_values()) identity[name] = value;
  TrainContext around = train_context(context, data, std::move(identity));
  around.time_budget *= kTrainingShare;
  around.record = [&](const nlohmann::json& line) {
    statistics_["reconstruction"] = line.at("losses").at("reconstruction");
    statistics_["epochs"] = line.at("epoch");
    statistics_["images_per_second"] = line.at("images_per_second");
    context.record(line);
  };
  network_->to(around.device);
  const torch::Tensor mean = mean_.to(around.device);
  const AffineRange distortion{params_.rotate, params_.shift, params_.scale, params_.shear};

  Engine engine(data, network_->shape().side, around);
  engine.keep("autoencoder", *network_);
  engine.run({{.name = "reconstruction",
               .epochs = params_.epochs,
               .batch_size = params_.batch_size,
               .learning_rate = params_.learning_rate,
               .schedule = params_.schedule,
               .optimiser = {.weight_decay = params_.weight_decay},
               .trained = {network_.get()},
               .step = [&](Batch& batch) -> Losses {
                 // The code must tell what the plain image looks like, however it was turned and
                 // moved: so it holds form rather than position.
                 const auto seen = distortion.identity()
                                       ? batch.images
                                       : random_affine(batch.images, distortion, batch.random);
                 const auto loss = reconstruction_loss(
                     batch.images - mean,
                     engine.forward(seen - mean,
                                    [&](const auto& x) { return network_->forward(x); }),
                     params_.reconstruction);
                 return {loss, {{"reconstruction", loss}}};
               }}});
  network_->eval();
}

Matrix<float> Ae::codes(const TrainingData& data, const FitContext& context) const {
  const torch::Device device = resolve_device(context.device);
  const Precision precision = resolve_precision(context.precision, device);
  network_->to(device);
  network_->eval();
  const torch::Tensor mean = mean_.to(device);
  return embed(data,
               {.side = network_->shape().side,
                .batch = kEmbedBatch,
                .device = device,
                .progress = context.progress,
                .cancel = context.cancel},
               [&](const torch::Tensor& images) {
                 return forward_in(precision, images - mean,
                                   [&](const auto& x) { return network_->encode(x); });
               });
}

Clustering Ae::predict(const TrainingData& data, const FitContext& context) const {
  if (!network_) throw std::logic_error("predict on a model that was neither trained nor loaded");
  check_images(data, 1);
  check_shape(data.shape, image_shape_);
  return clusters_.predict(codes(data, context));
}

StoredModel Ae::save() const {
  StoredModel model;
  save_module(*network_, "autoencoder/", model.tensors);
  model.tensors["mean"] = from_torch(mean_);
  add_under("", clusters_.save(), model.tensors);
  nlohmann::json parameters = nlohmann::json::object();
  for (const auto& [name, value] : parameter_values()) parameters[name] = value;
  model.meta = {{"version", 1},
                {"parameters", parameters},
                {"shape", {image_shape_.channels, image_shape_.height, image_shape_.width}},
                {"side", network_->shape().side}};
  return model;
}

void Ae::load(const StoredModel& model) {
  AutoencoderShape shape;
  try {
    if (model.meta.at("version") != 1)
      throw UserError("the stored ae model has version {}, this program reads version 1",
                      model.meta.at("version").dump());
    for (const auto& [name, value] : model.meta.at("parameters").items())
      set_parameter(name, value.get<std::string>());
    const auto& sizes = model.meta.at("shape");
    image_shape_ = {sizes.at(0), sizes.at(1), sizes.at(2)};
    shape = {.channels = image_shape_.channels,
             .side = model.meta.at("side"),
             .bottleneck = params_.bottleneck};
  } catch (const nlohmann::json::exception& error) {
    throw UserError("the stored ae model's description is damaged ({}); train it again",
                    error.what());
  }
  build(shape);
  load_module(*network_, "autoencoder/", model.tensors);
  network_->eval();
  const auto mean = model.tensors.find("mean");
  if (mean == model.tensors.end() || mean->second.dtype != DType::f32 ||
      mean->second.shape != std::vector<std::int64_t>{1, shape.channels, 1, 1})
    throw UserError("the stored ae model has no tensor 'mean' of {} channel(s); train it again",
                    shape.channels);
  mean_ = to_torch(mean->second);
  clusters_ = EmbeddingClusters(params_);
  clusters_.load(model.tensors);
}

}  // namespace

std::unique_ptr<Method> make_ae() { return std::make_unique<Ae>(); }

}  // namespace coterie
