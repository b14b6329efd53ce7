#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coterie/methods/cluster_head.h"
#include "coterie/methods/corrections_stage.h"
#include "coterie/methods/deep_context.h"
#include "coterie/methods/image_outputs.h"
#include "coterie/methods/method.h"
#include "coterie/methods/runtime.h"
#include "coterie/nn/device.h"
#include "coterie/nn/tensors.h"
#include "coterie/shallow/assignment.h"
#include "coterie/train/cluster_watch.h"
#include "coterie/train/engine.h"

namespace coterie {

/// The frame of methods whose clusters come from a head on a network: `Body` is that network with
/// what it must know of its images (ImageAutoencoder, ImageEncoder). The method gives the head and
/// the stages that train both.
template <class Params, class Body>
class HeadMethod : public MethodWith<Params> {
 public:
  explicit HeadMethod(MethodInfo info) : info_(std::move(info)) { info_.learns_corrections = true; }
  const MethodInfo& info() const override { return info_; }

  Clustering fit(const TrainingData& data, const FitContext& context) override;
  Clustering predict(const TrainingData& data, const FitContext& context) const override;
  StoredModel save() const override;
  void load(const StoredModel& model) override;
  nlohmann::json statistics() const override { return statistics_; }

 protected:
  /// One training: what the stages see of it.
  struct Training {
    const TrainingData& data;
    const FitContext& context;
    Engine& engine;
    std::int64_t clusters;
    bool has_clusters;  ///< the head came with another run's network
  };
  /// A head with its starting weights, for K clusters.
  virtual std::shared_ptr<ClusterHead> make_head(std::int64_t clusters,
                                                 RandomStream& weights) const = 0;
  /// Whether the stages learn `FitContext::corrections` by themselves.
  virtual bool learns_constraints() const { return false; }

  /// The training. The engine keeps body and head.
  virtual std::vector<Stage> stages(const Training& training) = 0;

  /// What there is to do with all images once the stages are done. In the first process alone.
  virtual void finish(const Training& /*training*/) {}

  /// Warns the user, once for all processes.
  static void tell(const FitContext& context, const std::string& what) {
    if (context.progress && process_rank() == 0) context.progress->warn(what);
  }
  /// Tells the user of parameters that are set and have no effect, since the clusters come with
  /// another run's network.
  void note_given_clusters(const Training& training) const;

  Body& body() const { return body_; }
  ClusterHead& head() const { return *head_; }

  using Outputs = ImageOutputs;
  using Probabilities = std::function<torch::Tensor(const Description&)>;
  /// With the head's probabilities, or others [B, K].
  Outputs outputs(const TrainingData& data, const FitContext& context,
                  const Probabilities& probabilities = {}) const;
  /// The same in the middle of a training: silent, and in training mode again after it.
  Outputs outputs(const Training& training, const Probabilities& probabilities = {}) const;

 private:
  std::vector<Stage> all_stages(const Training& training);
  /// Tells the user where the labels of all images are those of a collapse, though the batches of
  /// the last epoch, whose batch norms took their own statistics, may have looked sound.
  void note_collapse(const std::vector<std::int32_t>& labels, const FitContext& context);
  /// Takes the head of the run that the network comes from, says whether its clusters were among
  /// what fits, and tells the user where it has some that do not.
  bool take_given_head(const FitContext& context);
  /// Takes another run's head, or what fits of it, and says whether its clusters were among that.
  bool take_head(const TensorMap& model);

  MethodInfo info_;
  mutable Body body_;  // embedding moves it to the device that is asked for
  std::shared_ptr<ClusterHead> head_;
  std::int64_t clusters_ = 0;
  nlohmann::json statistics_ = nlohmann::json::object();

  /// Part of a time budget that training may take; the last pass over the images needs the rest.
  static constexpr double kTrainingShare = 0.9;
  static constexpr const char* kHead = "head/";
};

template <class Params, class Body>
Clustering HeadMethod<Params, Body>::fit(const TrainingData& data, const FitContext& context) {
  Params::fields().validate(this->params_);
  check_training_images(data);
  check_clusters(context, data);
  if (context.clusters == 0)
    throw UserError("method {} cannot find the number of clusters: give it (-k)", info_.name);
  body_.build(this->params_, data, context);
  clusters_ = context.clusters;
  RandomStream weights(context.seed, "head");
  head_ = make_head(clusters_, weights);
  const bool has_clusters = take_given_head(context);
  head_->before_training();
  TrainContext around = train_context(context, data, *this);
  around.identity["clusters"] = context.clusters;
  around.time_budget *= kTrainingShare;
  keep_snapshots(context, around, [this](const TrainingData& sample, const FitContext& silent) {
    return head_->has_clusters() ? predict(sample, silent)
                                 : Clustering{{}, outputs(sample, silent).codes};
  });
  body_.to(around.device);
  head_->to(around.device);
  Engine engine(data, body_.side(), around);
  engine.keep(Body::kName, body_.module());
  engine.keep("head", *head_);
  engine.share_batch_norms(body_.module());
  engine.share_batch_norms(*head_);
  // The head learns from features under the statistics of batches.
  engine.settle_batch_norms(
      {&body_.module(), head_.get()}, [this, &engine](const torch::Tensor& images) {
        engine.forward(body_.normalised(images), [this](const torch::Tensor& x) {
          const Description description = body_.describe(x);
          head_->see(description);
          return description.features;
        });
      });
  const Training training{data, context, engine, clusters_, has_clusters};
  engine.run(all_stages(training));
  statistics_ = training_statistics(engine);
  if (!engine.processes().first()) return {};
  finish(training);
  Clustering found = predict(data, context);
  note_collapse(found.labels, context);
  return found;
}

template <class Params, class Body>
bool HeadMethod<Params, Body>::take_given_head(const FitContext& context) {
  if (context.init_from.empty()) return false;
  const TensorMap given = read_safetensors(context.init_from).tensors;
  const bool has_clusters = take_head(given);
  if (!has_clusters && context.corrections.labels.empty() && !tensors_under(kHead, given).empty())
    tell(context,
         "--init-from: the clusters of that run do not fit: its head has another shape (K, "
         "projector_layers, head_width), belongs to another method or is of a self-labelling; they "
         "are learned anew");
  return has_clusters;
}

template <class Params, class Body>
void HeadMethod<Params, Body>::note_given_clusters(const Training& training) const {
  const auto infos = this->parameters();
  const auto values = this->parameter_values();
  std::vector<std::string> set;  // as far as can be told here: not at its default
  for (std::size_t i = 0; i < infos.size(); ++i)
    if (infos[i].replaced_by == GivenPart::clusters && values[i].second != infos[i].default_value)
      set.push_back(infos[i].name);
  for (const std::string& idle : idle_parameters(set, infos, values, GivenPart::clusters))
    tell(training.context, fmt::format("--set {}", idle));
}

template <class Params, class Body>
void HeadMethod<Params, Body>::note_collapse(const std::vector<std::int32_t>& labels,
                                             const FitContext& context) {
  const std::string collapse = collapse_of(cluster_sizes(labels, clusters_));
  if (collapse.empty()) return;
  const bool told = statistics_.value("collapse", "") == collapse;  // of the last epoch
  statistics_["collapse"] = collapse;
  if (!told)
    tell(context,
         fmt::format("in the end {}; the clustering may have collapsed. Try another seed, a lower "
                     "learning rate or more epochs",
                     collapse));
}

template <class Params, class Body>
bool HeadMethod<Params, Body>::take_head(const TensorMap& model) {
  if (!module_faults(*head_, kHead, model).empty()) return head_->start_from(model);
  load_module(*head_, kHead, model);
  return true;
}

template <class Params, class Body>
std::vector<Stage> HeadMethod<Params, Body>::all_stages(const Training& training) {
  const FitContext& context = training.context;
  const Corrections& corrections = context.corrections;
  if (corrections.labels.empty() && (corrections.empty() || learns_constraints()))
    return stages(training);
  // Where clusters are there already, in the head or as labels, none have to be found.
  const bool has_clusters = training.has_clusters || !corrections.labels.empty();
  std::vector<Stage> all = has_clusters ? std::vector<Stage>() : stages(training);
  const CorrectionWork work{
      .clusters = training.clusters,
      .network = &body_.module(),
      .head = head_.get(),
      .fresh_network = has_clusters && context.init_from.empty(),
      .fresh_head = has_clusters && !training.has_clusters,
      .log_probabilities =
          [this, training](const torch::Tensor& images, bool head_alone) {
            Description description;
            {
              torch::AutoGradMode gradients(!head_alone);
              training.engine.forward(body_.normalised(images), [&](const torch::Tensor& x) {
                description = body_.describe(x);
                return description.features;
              });
            }
            // The head is in float32, whatever the network's precision.
            return head_->log_probabilities(
                {description.features.to(torch::kFloat), description.codes.to(torch::kFloat)});
          },
      .outputs =
          [this, training] {
            return outputs(training, [this](const Description& description) {
              return head_->log_probabilities(description).exp();
            });
          }};
  for (Stage& stage : correction_stages(training.data, corrections, training.engine, work))
    all.push_back(std::move(stage));
  return all;
}

template <class Params, class Body>
auto HeadMethod<Params, Body>::outputs(const TrainingData& data, const FitContext& context,
                                       const Probabilities& probabilities) const -> Outputs {
  if (!head_) throw std::logic_error("outputs of a network that was neither made nor loaded");
  head_->to(process_device(context));
  head_->eval();
  std::int64_t width = 0;  // of the codes
  const Matrix<float> both = body_.embed(data, context, [&](const torch::Tensor& images) {
    const Description description = body_.describe(images);
    width = description.codes.size(1);
    const auto clusters =
        probabilities ? probabilities(description) : head_->probabilities(description);
    return torch::cat({description.codes.to(torch::kFloat), clusters}, 1);
  });
  Outputs out{Matrix<float>(both.rows(), width), Matrix<float>(both.rows(), both.cols() - width)};
  for (std::int64_t i = 0; i < both.rows(); ++i) {
    std::copy_n(both.row(i), width, out.codes.row(i));
    std::copy(both.row(i) + width, both.row(i) + both.cols(), out.probabilities.row(i));
  }
  return out;
}

template <class Params, class Body>
auto HeadMethod<Params, Body>::outputs(const Training& training,
                                       const Probabilities& probabilities) const -> Outputs {
  const FitContext silent = training.context.silent();
  Outputs out = outputs(training.data, silent, probabilities);
  body_.module().train();
  head_->train();
  return out;
}

template <class Params, class Body>
Clustering HeadMethod<Params, Body>::predict(const TrainingData& data,
                                             const FitContext& context) const {
  Outputs out = outputs(data, context);
  Clustering result;
  result.labels = argmax_rows(out.probabilities);
  result.probabilities = std::move(out.probabilities);
  result.embeddings = std::move(out.codes);
  return result;
}

template <class Params, class Body>
StoredModel HeadMethod<Params, Body>::save() const {
  StoredModel model;
  model.meta = {{"version", 1}, {"parameters", parameters_json(*this)}};
  body_.save(model);
  save_module(*head_, kHead, model.tensors);
  model.meta["clusters"] = clusters_;
  return model;
}

template <class Params, class Body>
void HeadMethod<Params, Body>::load(const StoredModel& model) {
  load_parts(model, *this, [&] {
    body_.load(this->params_, model);
    clusters_ = model.meta.at("clusters");
    RandomStream unused(0, "head");
    head_ = make_head(clusters_, unused);
    load_module(*head_, kHead, model.tensors);
  });
}

}  // namespace coterie
