#include "coterie/methods/contrastive_method.h"

#include "coterie/core/error.h"
#include "coterie/core/sha256.h"
#include "coterie/methods/deep_context.h"
#include "coterie/methods/moco/moco_params.h"
#include "coterie/methods/simclr/simclr_params.h"

namespace coterie {
namespace {

/// Part of a time budget that training may take; embedding and clustering need the rest.
constexpr double kTrainingShare = 0.9;

}  // namespace

template <class Params>
Clustering ContrastiveMethod<Params>::fit(const TrainingData& data, const FitContext& context) {
  Params::fields().validate(this->params_);
  check_training_images(data);
  check_clusters(context, data);
  encoder_.build(this->params_, data, context);
  nlohmann::json identity = {{"method", this->info().name}};
  for (const auto& [name, value] : this->parameter_values()) identity[name] = value;
  if (!context.weights.empty()) identity["weights"] = sha256_file(context.weights);
  TrainContext around = train_context(context, data, std::move(identity));
  around.time_budget *= kTrainingShare;
  around.record = [&](const nlohmann::json& line) {
    statistics_ = {{"losses", line.at("losses")},
                   {"epochs", line.at("epoch")},
                   {"images_per_second", line.at("images_per_second")},
                   {"precision", name_of(around.precision)}};
    context.record(line);
  };
  encoder_.to(around.device);
  Engine engine(data, encoder_.side(), around);
  train(encoder_, engine, context);
  if (!engine.processes().first()) return {};
  clusters_ = EmbeddingClusters(this->params_);
  return clusters_.fit(encoder_.embed(data, context), context);
}

template <class Params>
Stage ContrastiveMethod<Params>::stage() const {
  const ContrastiveParams& params = this->params_;
  return {.name = "contrast",
          .epochs = params.epochs,
          .batch_size = params.batch_size,
          .learning_rate = params.learning_rate,
          .schedule = params.schedule,
          .warm_up = params.warm_up,
          .optimiser = {.weight_decay = params.weight_decay}};
}

template <class Params>
Clustering ContrastiveMethod<Params>::predict(const TrainingData& data,
                                              const FitContext& context) const {
  return clusters_.predict(encoder_.embed(data, context));
}

template <class Params>
StoredModel ContrastiveMethod<Params>::save() const {
  StoredModel model;
  nlohmann::json parameters = nlohmann::json::object();
  for (const auto& [name, value] : this->parameter_values()) parameters[name] = value;
  model.meta = {{"version", 1}, {"parameters", parameters}};
  encoder_.save(model);
  add_under("", clusters_.save(), model.tensors);
  return model;
}

template <class Params>
void ContrastiveMethod<Params>::load(const StoredModel& model) {
  try {
    if (model.meta.at("version") != 1)
      throw UserError("the stored model has version {}, this program reads version 1",
                      model.meta.at("version").dump());
    for (const auto& [name, value] : model.meta.at("parameters").items())
      this->set_parameter(name, value.template get<std::string>());
    encoder_.load(this->params_, model);
  } catch (const nlohmann::json::exception& error) {
    throw UserError("the stored model's description is damaged ({}); train it again",
                    error.what());
  }
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
