#pragma once

#include "coterie/methods/embedding_clusters.h"
#include "coterie/methods/image_encoder.h"
#include "coterie/methods/method.h"
#include "coterie/train/engine.h"

namespace coterie {

/// What the methods that compare views of images, and cluster their embeddings after, share.
struct ContrastiveParams : EncoderParams, EmbeddingClusterParams {
  ContrastiveParams() {
    embedding = EmbeddingForm::whitened;
    variance = 0.93;
  }
  std::int64_t epochs = 20;
  std::int64_t batch_size = 256;
  double learning_rate = 1e-3;
  LearningRate schedule = LearningRate::cosine;
  double warm_up = 0;
  double weight_decay = 1e-4;
  double temperature = 0.5;
  std::int64_t projection = 128;
  bool sync_batch_norm = true;
};

/// Adds their description to that of `Params`, which derives from them.
template <class Params>
void add_contrastive_fields(Fields<Params>& fields) {
  fields
      .template number<std::int64_t>("epochs", &Params::epochs, between(1, 100000),
                                     "passes over the images")
      .template number<std::int64_t>("batch_size", &Params::batch_size, between(2, 65536),
                                     "images in a step, of all processes together")
      .template number<double>("learning_rate", &Params::learning_rate,
                               Range{.low = 0, .high = 1, .low_open = true},
                               "step size of Adam at its height")
      .template choice<LearningRate>(
          "schedule", &Params::schedule,
          {{"cosine", LearningRate::cosine}, {"constant", LearningRate::constant}},
          "how the step size goes on: down to 0 along a cosine, or as it is")
      .template number<double>("warm_up", &Params::warm_up, between(0, 1000),
                               "epochs in which the step size rises from 0")
      .template number<double>("weight_decay", &Params::weight_decay, between(0, 1),
                               "pull of the weights towards 0")
      .template number<double>("temperature", &Params::temperature, between(0.01, 10),
                               "what cosines are divided by in the loss")
      .template number<std::int64_t>("projection", &Params::projection, between(2, 4096),
                                     "width of what the loss compares")
      .flag("sync_batch_norm", &Params::sync_batch_norm,
            "several processes: batch norm over all of their images");
  add_encoder_fields(fields);
  add_embedding_cluster_fields(fields);
}

/// The frame of such a method: it trains an ImageEncoder in `train`, then embeds and clusters.
template <class Params>
class ContrastiveMethod : public MethodWith<Params> {
 public:
  Clustering fit(const TrainingData& data, const FitContext& context) override;
  Clustering predict(const TrainingData& data, const FitContext& context) const override;
  StoredModel save() const override;
  void load(const StoredModel& model) override;
  nlohmann::json statistics() const override;

 protected:
  /// Trains `encoder`, which has its starting weights and is on the device.
  virtual void train(ImageEncoder& encoder, Engine& engine, const FitContext& context) = 0;
  /// The stage as the parameters have it, still without what it trains and its step.
  Stage stage() const;

 private:
  mutable ImageEncoder encoder_;  // embedding moves it to the device that is asked for
  EmbeddingClusters clusters_;
  nlohmann::json statistics_ = nlohmann::json::object();
};

}  // namespace coterie
