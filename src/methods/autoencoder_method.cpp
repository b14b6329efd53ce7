#include "coterie/methods/autoencoder_method.h"

#include <algorithm>

#include "coterie/methods/ae-dac/dac_params.h"
#include "coterie/methods/ae-opa/ae_opa_params.h"
#include "coterie/methods/dec/dec_params.h"
#include "coterie/methods/deep_context.h"
#include "coterie/nn/device.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// Part of a time budget that training may take; the last pass over the images needs the rest.
constexpr double kTrainingShare = 0.9;
constexpr const char* kHead = "head/";

}  // namespace

torch::Tensor rows_of(const torch::Tensor& all, const std::vector<std::int64_t>& images) {
  return all.index_select(
      0, torch::tensor(images, torch::TensorOptions(torch::kLong)).to(all.device()));
}

template <class Params>
Clustering AutoencoderMethod<Params>::fit(const TrainingData& data, const FitContext& context) {
  Params::fields().validate(this->params_);
  check_training_images(data);
  check_clusters(context, data);
  if (context.clusters == 0)
    throw UserError("method {} cannot find the number of clusters: give it (-k)", info_.name);
  autoencoder_.build(this->params_, /*variational=*/false, data, context);
  clusters_ = context.clusters;
  RandomStream weights(context.seed, "head");
  head_ = make_head(clusters_, weights);
  TrainContext around = train_context(context, data, *this);
  around.identity["clusters"] = context.clusters;
  around.time_budget *= kTrainingShare;
  around.record = [&](const nlohmann::json& line) {
    statistics_ = {{"losses", line.at("losses")},
                   {"epochs", line.at("epoch")},
                   {"images_per_second", line.at("images_per_second")}};
    if (line.contains("collapse")) statistics_["collapse"] = line.at("collapse");
    context.record(line);
  };
  keep_snapshots(context, around, [this](const TrainingData& sample, const FitContext& silent) {
    return predict(sample, silent);
  });
  autoencoder_.to(around.device);
  head_->to(around.device);
  Engine engine(data, autoencoder_.side(), around);
  engine.keep("autoencoder", autoencoder_.network());
  engine.keep("head", *head_);
  engine.share_batch_norms(autoencoder_.network());
  engine.share_batch_norms(*head_);
  std::vector<Stage> all;
  if (pretrains() && context.init_from.empty()) all.push_back(autoencoder_.pretraining(engine));
  for (Stage& stage : stages({data, context, engine, clusters_})) all.push_back(std::move(stage));
  engine.run(all);
  if (!engine.processes().first()) return {};
  return predict(data, context);
}

template <class Params>
torch::Tensor AutoencoderMethod<Params>::assigned(const torch::Tensor& images,
                                                  torch::Tensor* features) const {
  const auto made = autoencoder_.network().features(images);
  if (features) *features = made;
  return head_->probabilities(made, autoencoder_.network().code(made));
}

template <class Params>
auto AutoencoderMethod<Params>::outputs(const TrainingData& data, const FitContext& context) const
    -> Outputs {
  if (!head_) throw std::logic_error("outputs of a network that was neither made nor loaded");
  head_->to(resolve_device(context.device));
  head_->eval();
  AutoencoderImpl& network = autoencoder_.network();
  const Matrix<float> both = autoencoder_.embed(data, context, [&](const torch::Tensor& images) {
    const auto features = network.features(images);
    const auto codes = network.code(features);
    return torch::cat({codes.to(torch::kFloat), head_->probabilities(features, codes)}, 1);
  });
  const std::int64_t width = network.code_width();
  Outputs out{Matrix<float>(both.rows(), width), Matrix<float>(both.rows(), both.cols() - width)};
  for (std::int64_t i = 0; i < both.rows(); ++i) {
    std::copy_n(both.row(i), width, out.codes.row(i));
    std::copy(both.row(i) + width, both.row(i) + both.cols(), out.probabilities.row(i));
  }
  return out;
}

template <class Params>
auto AutoencoderMethod<Params>::outputs(const Training& training) const -> Outputs {
  FitContext silent = training.context;
  silent.progress = nullptr;
  const Outputs out = outputs(training.data, silent);
  autoencoder_.network().train();
  head_->train();
  return out;
}

template <class Params>
Stage AutoencoderMethod<Params>::joint_stage(const Training& training, std::string name) const {
  return {.name = std::move(name),
          .epochs = this->params_.epochs,
          .batch_size = this->params_.joint_batch_size,
          .learning_rate = this->params_.learning_rate,
          .optimiser = {.weight_decay = this->params_.weight_decay},
          .clusters = training.clusters,
          .trained = {&autoencoder_.network(), head_.get()}};
}

template <class Params>
torch::Tensor AutoencoderMethod<Params>::seen(Batch& batch) const {
  return autoencoder_.centred(
      this->params_.augment ? autoencoder_.distorted(batch.images, batch.random) : batch.images);
}

template <class Params>
auto AutoencoderMethod<Params>::pass(const Training& training, Batch& batch, bool reconstruct) const
    -> Pass {
  AutoencoderImpl& network = autoencoder_.network();
  Pass made;
  made.plain = autoencoder_.centred(batch.images);
  const auto images = this->params_.augment ? seen(batch) : made.plain;
  made.probabilities = training.engine.forward(images, [&](const torch::Tensor& x) {
    torch::Tensor features;
    const auto probabilities = assigned(x, &features);
    if (reconstruct) made.back = network.decode(network.code(features));
    return probabilities;
  });
  return made;
}

template <class Params>
void AutoencoderMethod<Params>::add_reconstruction(const Pass& pass, double weight,
                                                   Losses& losses) const {
  if (!pass.back.defined()) return;
  const auto error = autoencoder_.reconstruction(pass.plain, pass.back.to(torch::kFloat));
  losses.total = losses.total + weight * error;
  losses.parts.emplace_back("reconstruction", error);
}

template <class Params>
Clustering AutoencoderMethod<Params>::predict(const TrainingData& data,
                                              const FitContext& context) const {
  Outputs out = outputs(data, context);
  Clustering result;
  result.labels.reserve(static_cast<std::size_t>(out.codes.rows()));
  for (std::int64_t i = 0; i < out.codes.rows(); ++i) {
    const float* row = out.probabilities.row(i);
    result.labels.push_back(
        static_cast<std::int32_t>(std::max_element(row, row + out.probabilities.cols()) - row));
  }
  result.probabilities = std::move(out.probabilities);
  result.embeddings = std::move(out.codes);
  return result;
}

template <class Params>
StoredModel AutoencoderMethod<Params>::save() const {
  StoredModel model;
  model.meta = {{"version", 1}, {"parameters", parameters_json(*this)}};
  autoencoder_.save(model);
  save_module(*head_, kHead, model.tensors);
  model.meta["clusters"] = clusters_;
  return model;
}

template <class Params>
void AutoencoderMethod<Params>::load(const StoredModel& model) {
  load_parts(model, *this, [&] {
    autoencoder_.load(this->params_, /*variational=*/false, model);
    clusters_ = model.meta.at("clusters");
    RandomStream unused(0, "head");
    head_ = make_head(clusters_, unused);
    load_module(*head_, kHead, model.tensors);
  });
}

template class AutoencoderMethod<DecParams>;
template class AutoencoderMethod<IdecParams>;
template class AutoencoderMethod<DacParams>;
template class AutoencoderMethod<AeDacParams>;
template class AutoencoderMethod<AeOpaParams>;

}  // namespace coterie
