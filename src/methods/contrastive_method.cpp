#include "coterie/methods/contrastive_method.h"

#include "coterie/methods/contrast_heads.h"
#include "coterie/methods/deep_context.h"
#include "coterie/methods/moco/moco_params.h"
#include "coterie/methods/simclr/simclr_params.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// Part of a time budget that training may take; embedding and clustering need the rest.
constexpr double kTrainingShare = 0.9;
constexpr const char* kProjector = kProjectorNames[0];

}  // namespace

template <class Params>
Mlp ContrastiveMethod<Params>::fresh_projector() {
  const Params& params = this->params_;
  return make_projector({.features = encoder_.width(),
                         .projection = params.projection,
                         .layers = params.projector_layers,
                         .hidden = params.head_width,
                         .batch_norm = true});
}

template <class Params>
Clustering ContrastiveMethod<Params>::fit(const TrainingData& data, const FitContext& context) {
  Params::fields().validate(this->params_);
  check_training_images(data);
  check_clusters(context, data);
  encoder_.build(this->params_, data, context);
  projector_ = fresh_projector();
  RandomStream weights(context.seed, "projector");
  initialise(*projector_, weights);
  if (!context.init_from.empty())
    take_projector(projector_, read_safetensors(context.init_from).tensors);
  TrainContext around = train_context(context, data, *this);
  around.time_budget *= kTrainingShare;
  keep_snapshots(context, around, [this](const TrainingData& sample, const FitContext& silent) {
    return Clustering{{}, encoder_.embed(sample, silent)};
  });
  encoder_.to(around.device);
  projector_->to(around.device);
  Engine engine(data, encoder_.side(), around);
  engine.keep(ImageEncoder::kName, encoder_.module());
  engine.keep("projector", *projector_);
  if (this->params_.sync_batch_norm) {
    engine.share_batch_norms(encoder_.module());
    engine.share_batch_norms(*projector_);
  }
  engine.settle_batch_norms(
      {&encoder_.module(), projector_.get()}, [this, &engine](const torch::Tensor& images) {
        engine.forward(encoder_.normalised(images), [this](const torch::Tensor& x) {
          return projector_->forward(encoder_.backbone()->forward(x));
        });
      });
  engine.run({stage(encoder_, projector_, engine)});
  statistics_ = training_statistics(engine);
  if (!engine.processes().first()) return {};
  clusters_ = EmbeddingClusters(this->params_);
  return clusters_.fit(encoder_.embed(data, context), context);
}

template <class Params>
Clustering ContrastiveMethod<Params>::predict(const TrainingData& data,
                                              const FitContext& context) const {
  return clusters_.predict(encoder_.embed(data, context));
}

template <class Params>
StoredModel ContrastiveMethod<Params>::save() const {
  StoredModel model;
  model.meta = {{"version", 1}, {"parameters", parameters_json(*this)}};
  encoder_.save(model);
  if (projector_) save_module(*projector_, kProjector, model.tensors);
  add_under("", clusters_.save(), model.tensors);
  return model;
}

template <class Params>
void ContrastiveMethod<Params>::load(const StoredModel& model) {
  load_parts(model, *this, [&] {
    encoder_.load(this->params_, model);
    projector_ = fresh_projector();
    if (!take_projector(projector_, model.tensors)) projector_ = nullptr;
  });
  clusters_ = EmbeddingClusters(this->params_);
  clusters_.load(model.tensors);
}

template <class Params>
nlohmann::json ContrastiveMethod<Params>::statistics() const {
  nlohmann::json all = statistics_;
  all.update(clusters_.statistics());
  return all;
}

template class ContrastiveMethod<SimclrParams>;
template class ContrastiveMethod<MocoParams>;

}  // namespace coterie
