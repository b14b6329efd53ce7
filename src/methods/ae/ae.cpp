#include "coterie/methods/ae/ae.h"

#include <utility>

#include "coterie/methods/ae/ae_params.h"
#include "coterie/methods/deep_context.h"
#include "coterie/methods/embedding_clusters.h"
#include "coterie/methods/image_autoencoder.h"

namespace coterie {
namespace {

/// Part of a time budget that training may take; embedding and clustering need the rest.
constexpr double kTrainingShare = 0.85;

template <class Params>
class Ae : public MethodWith<Params> {
 public:
  explicit Ae(MethodInfo info) : info_(std::move(info)) {}
  const MethodInfo& info() const override { return info_; }

  Clustering fit(const TrainingData& data, const FitContext& context) override;
  Clustering predict(const TrainingData& data, const FitContext& context) const override {
    return clusters_.predict(autoencoder_.codes(data, context));
  }
  StoredModel save() const override;
  void load(const StoredModel& model) override;
  nlohmann::json statistics() const override {
    nlohmann::json all = statistics_;
    all.update(clusters_.statistics());
    return all;
  }

 private:
  MethodInfo info_;
  mutable ImageAutoencoder autoencoder_;  // embedding moves it to the device that is asked for
  EmbeddingClusters clusters_;
  nlohmann::json statistics_ = nlohmann::json::object();
};

template <class Params>
Clustering Ae<Params>::fit(const TrainingData& data, const FitContext& context) {
  Params::fields().validate(this->params_);
  check_training_images(data);
  check_clusters(context, data);
  autoencoder_.build(this->params_, data, context, Params::kVariational);
  TrainContext around = train_context(context, data, *this);
  around.time_budget *= kTrainingShare;
  keep_snapshots(context, around, [this](const TrainingData& sample, const FitContext& silent) {
    return Clustering{{}, autoencoder_.codes(sample, silent)};
  });
  autoencoder_.to(around.device);
  Engine engine(data, autoencoder_.side(), around);
  engine.keep("autoencoder", autoencoder_.network());
  engine.share_batch_norms(autoencoder_.network());
  if (context.init_from.empty()) engine.run({autoencoder_.pretraining(engine)});
  statistics_ = training_statistics(engine);
  if (!engine.processes().first()) return {};
  clusters_ = EmbeddingClusters(this->params_);
  return clusters_.fit(autoencoder_.codes(data, context), context);
}

template <class Params>
StoredModel Ae<Params>::save() const {
  StoredModel model;
  model.meta = {{"version", 1}, {"parameters", parameters_json(*this)}};
  autoencoder_.save(model);
  add_under("", clusters_.save(), model.tensors);
  return model;
}

template <class Params>
void Ae<Params>::load(const StoredModel& model) {
  load_parts(model, *this, [&] { autoencoder_.load(this->params_, model, Params::kVariational); });
  clusters_ = EmbeddingClusters(this->params_);
  clusters_.load(model.tensors);
}

}  // namespace

std::unique_ptr<Method> make_ae() {
  return std::make_unique<Ae<AeParams>>(MethodInfo{
      .name = "ae",
      .family = "autoencoder",
      .summary = "a convolutional autoencoder, then its codes are clustered",
      .paper = "Yu, Liu, Han, Li, Tang, Wu: Representation Learning Based on Autoencoder and Deep "
               "Adaptive Clustering for Image Clustering, 2021, its first stage",
      .input = InputKind::images,
      .finds_clusters = true,
      .network = NetworkKind::autoencoder});
}

std::unique_ptr<Method> make_dae() {
  return std::make_unique<Ae<DaeParams>>(MethodInfo{
      .name = "dae",
      .family = "autoencoder",
      .summary = "an autoencoder that restores what is missing, then its codes are clustered",
      .paper =
          "Vincent, Larochelle, Lajoie, Bengio, Manzagol: Stacked Denoising Autoencoders, 2010",
      .input = InputKind::images,
      .finds_clusters = true,
      .network = NetworkKind::autoencoder});
}

std::unique_ptr<Method> make_vae() {
  return std::make_unique<Ae<VaeParams>>(
      MethodInfo{.name = "vae",
                 .family = "autoencoder",
                 .summary = "a variational autoencoder, then its codes are clustered",
                 .paper = "Kingma, Welling: Auto-Encoding Variational Bayes, 2014",
                 .input = InputKind::images,
                 .finds_clusters = true,
                 .network = NetworkKind::variational_autoencoder});
}

}  // namespace coterie
