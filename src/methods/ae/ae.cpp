#include "coterie/methods/ae/ae.h"

#include <memory>
#include <utility>

#include "coterie/methods/ae/ae_params.h"
#include "coterie/methods/deep_context.h"
#include "coterie/methods/shallow_statistics.h"
#include "coterie/nn/augment.h"
#include "coterie/nn/autoencoder.h"
#include "coterie/nn/device.h"
#include "coterie/nn/tensors.h"
#include "coterie/shallow/cluster_count.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/pac.h"
#include "coterie/shallow/whitening.h"
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
  nlohmann::json statistics() const override { return statistics_; }

 private:
  void build(const AutoencoderShape& shape);
  void train(const TrainingData& data, const FitContext& context);
  /// The rows that are clustered, [N, E], from the trained network.
  Matrix<float> codes(const TrainingData& data, const FitContext& context) const;
  Assignment cluster(ConstFeatures rows, const FitContext& context);
  ClusterCountChoice choose_clusters(ConstFeatures rows, std::int64_t most,
                                     const ShallowContext& context) const;
  KMeansParams kmeans_params() const {
    return {.restarts = params_.restarts, .spherical = params_.distance == PacDistance::cosine};
  }
  PacParams pac_params() const {
    return {.distance = params_.distance, .restarts = params_.restarts};
  }

  ImageShape image_shape_;  // of the images trained on
  torch::Tensor mean_;      // of each channel, [1, C, 1, 1]
  std::shared_ptr<AutoencoderImpl> network_;
  Whitening whitening_;
  Pac pac_;
  KMeans kmeans_;
  nlohmann::json statistics_ = nlohmann::json::object();
};

void Ae::build(const AutoencoderShape& shape) {
  network_ = std::make_shared<AutoencoderImpl>(shape);
}

Clustering Ae::fit(const TrainingData& data, const FitContext& context) {
  AeParams::fields().validate(params_);
  check_training_images(data);
  if (context.clusters != 0 && (context.clusters < 2 || context.clusters > data.count))
    throw UserError("-k = {} is out of range: allowed is 2 to {}, the number of images",
                    context.clusters, data.count);
  image_shape_ = data.shape;
  mean_ = channel_means(data);
  build({.channels = data.shape.channels,
         .side = nearest_autoencoder_side(std::max(data.shape.height, data.shape.width)),
         .bottleneck = params_.bottleneck});
  train(data, context);

  Clustering result;
  result.embeddings = codes(data, context);
  if (params_.embedding == AeEmbedding::whitened) {
    whitening_.fit(result.embeddings);
    result.embeddings = whitening_.apply(result.embeddings);
  }
  Assignment assignment = cluster(result.embeddings, context);
  result.labels = std::move(assignment.labels);
  result.probabilities = std::move(assignment.probabilities);
  return result;
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
               .weight_decay = params_.weight_decay,
               .schedule = params_.schedule,
               .trained = {network_.get()},
               .step = [&](Batch& batch) -> Losses {
                 // The code must tell what the plain image looks like, however it was turned and
                 // moved: so it holds form rather than position.
                 const auto seen = distortion.identity()
                                       ? batch.images
                                       : random_affine(batch.images, distortion, batch.random);
                 const auto loss = reconstruction_loss(
                     batch.images - mean, network_->forward(seen - mean), params_.reconstruction);
                 return {loss, {{"reconstruction", loss}}};
               }}});
  network_->eval();
}

Matrix<float> Ae::codes(const TrainingData& data, const FitContext& context) const {
  const torch::Device device = resolve_device(context.device);
  network_->to(device);
  network_->eval();
  const torch::Tensor mean = mean_.to(device);
  return embed(data,
               {.side = network_->shape().side,
                .batch = kEmbedBatch,
                .device = device,
                .progress = context.progress,
                .cancel = context.cancel},
               [&](const torch::Tensor& images) { return network_->encode(images - mean); });
}

Assignment Ae::cluster(ConstFeatures rows, const FitContext& context) {
  const ShallowContext around{context.seed, context.progress, context.cancel};
  std::int64_t clusters = context.clusters;
  if (clusters == 0) {
    const ClusterCountChoice choice = choose_clusters(rows, context.most_clusters, around);
    clusters = choice.clusters;
    statistics_["cluster_count"] = cluster_count_json(choice);
  }
  if (params_.cluster == AeCluster::kmeans) {
    kmeans_ = KMeans(kmeans_params());
    Assignment found = kmeans_.fit(rows, clusters, around);
    statistics_["inertia"] = kmeans_.restarts()[kmeans_.chosen_restart()].inertia;
    return found;
  }
  pac_ = Pac(pac_params());
  Assignment found = pac_.fit(rows, clusters, around);
  statistics_["objective"] = pac_.objective();
  return found;
}

ClusterCountChoice Ae::choose_clusters(ConstFeatures rows, std::int64_t most,
                                       const ShallowContext& context) const {
  return choose_cluster_count(
      rows,
      [&](ConstFeatures part, std::int64_t clusters, std::uint64_t seed) {
        const ShallowContext around{.seed = seed, .cancel = context.cancel};
        return params_.cluster == AeCluster::kmeans
                   ? KMeans(kmeans_params()).fit(part, clusters, around).labels
                   : Pac(pac_params()).fit(part, clusters, around).labels;
      },
      {.most = most}, context);
}

Clustering Ae::predict(const TrainingData& data, const FitContext& context) const {
  if (!network_) throw std::logic_error("predict on a model that was neither trained nor loaded");
  check_images(data, 1);
  if (data.shape != image_shape_)
    throw UserError(
        "the images are {} x {} x {} (channels, height, width), the model was trained on {} x {} x "
        "{}; bring them to that shape",
        data.shape.channels, data.shape.height, data.shape.width, image_shape_.channels,
        image_shape_.height, image_shape_.width);
  Clustering result;
  result.embeddings = codes(data, context);
  if (params_.embedding == AeEmbedding::whitened)
    result.embeddings = whitening_.apply(result.embeddings);
  Assignment found = params_.cluster == AeCluster::pac ? pac_.predict(result.embeddings)
                                                       : kmeans_.predict(result.embeddings);
  result.labels = std::move(found.labels);
  result.probabilities = std::move(found.probabilities);
  return result;
}

StoredModel Ae::save() const {
  StoredModel model;
  save_module(*network_, "autoencoder/", model.tensors);
  model.tensors["mean"] = from_torch(mean_);
  if (params_.embedding == AeEmbedding::whitened)
    add_under("whitening/", whitening_.save(), model.tensors);
  add_under("clusters/", params_.cluster == AeCluster::pac ? pac_.save() : kmeans_.save(),
            model.tensors);
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
  if (params_.embedding == AeEmbedding::whitened)
    whitening_.load(tensors_under("whitening/", model.tensors));
  pac_ = Pac(pac_params());
  kmeans_ = KMeans(kmeans_params());
  const TensorMap clusters = tensors_under("clusters/", model.tensors);
  if (params_.cluster == AeCluster::pac) {
    pac_.load(clusters);
  } else {
    kmeans_.load(clusters);
  }
}

}  // namespace

std::unique_ptr<Method> make_ae() { return std::make_unique<Ae>(); }

}  // namespace coterie
