#pragma once

#include "coterie/methods/embedding_clusters.h"
#include "coterie/methods/image_encoder.h"
#include "coterie/methods/method.h"
#include "coterie/methods/view_training.h"
#include "coterie/nn/mlp.h"

namespace coterie {

/// What the methods that compare views of images, and cluster their embeddings after, share.
struct ContrastiveParams : ViewTrainingParams, EmbeddingClusterParams {
  ContrastiveParams() {
    embedding = EmbeddingForm::whitened;
    variance = kEmbeddingVariance;
  }
  bool sync_batch_norm = true;
};

/// Adds their description to that of `Params`, which derives from them.
template <class Params>
void add_contrastive_fields(Fields<Params>& fields) {
  add_view_training_fields(fields, /*least_epochs=*/0);
  fields.flag("sync_batch_norm", &Params::sync_batch_norm,
              "several processes: batch norm over all of their images");
  add_encoder_fields(fields);
  add_embedding_cluster_fields(fields);
}

/// The frame of such a method: it trains an ImageEncoder and a projector on it, by the `stage`
/// that the method gives, then embeds and clusters.
template <class Params>
class ContrastiveMethod : public MethodWith<Params> {
 public:
  Clustering fit(const TrainingData& data, const FitContext& context) override;
  Clustering predict(const TrainingData& data, const FitContext& context) const override;
  StoredModel save() const override;
  void load(const StoredModel& model) override;
  nlohmann::json statistics() const override;

 protected:
  /// The stage that trains `encoder` and `projector`, which have their starting weights, are on the
  /// device and kept by the engine.
  virtual Stage stage(ImageEncoder& encoder, Mlp& projector, Engine& engine) = 0;

 private:
  Mlp fresh_projector();

  mutable ImageEncoder encoder_;  // embedding moves it to the device that is asked for
  Mlp projector_{nullptr};        // none in models of runs that did not store it
  EmbeddingClusters clusters_;
  nlohmann::json statistics_ = nlohmann::json::object();
};

}  // namespace coterie
