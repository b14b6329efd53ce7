#include "coterie/methods/dpac/dpac.h"

#include <algorithm>
#include <cmath>

#include "coterie/loss/running_aggregate.h"
#include "coterie/methods/aggregated_target_params.h"
#include "coterie/methods/dpac/dpac_heads.h"
#include "coterie/methods/dpac/dpac_params.h"
#include "coterie/methods/embedding_clusters.h"
#include "coterie/methods/head_method.h"
#include "coterie/methods/momentum_contrast.h"
#include "coterie/methods/offline_codes.h"
#include "coterie/methods/view_pairs.h"
#include "coterie/nn/running_whitening.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// A copy of the network that gives the network's training its labels.
class Teacher : public torch::nn::Module {
 public:
  Teacher(const ResNet& backbone, const Mlp& projector, const Mlp& clusters)
      : backbone_(register_module("backbone", ResNet(backbone->shape()))),
        projector_(register_module("projector", Mlp(projector->shape()))),
        clusters_(register_module("clusters", Mlp(clusters->shape()))) {}
  /// Becomes these.
  void take(const ResNet& backbone, const Mlp& projector, const Mlp& clusters) {
    TensorMap tensors;
    save_module(*backbone, "backbone.", tensors);
    save_module(*projector, "projector.", tensors);
    save_module(*clusters, "clusters.", tensors);
    load_module(*this, "", tensors);
  }
  /// Makes `backbone` what its own is.
  void give(ResNet& backbone) const {
    TensorMap tensors;
    save_module(*backbone_, "", tensors);
    load_module(*backbone, "", tensors);
  }
  /// Moves by 1 - momentum towards these.
  void follow(const ResNet& backbone, const Mlp& projector, const Mlp& clusters, double momentum) {
    move_weights(*backbone_, *backbone, momentum);
    move_weights(*projector_, *projector, momentum);
    move_weights(*clusters_, *clusters, momentum);
  }
  /// Of images as the backbone takes them, without gradient. `projected`: features are the
  /// projector's outputs, and not the backbone's.
  AssignedRows assigned(const torch::Tensor& images, bool projected, const Engine& engine) {
    torch::NoGradGuard no_grad;
    AssignedRows rows;
    rows.probabilities = engine
                             .forward(images,
                                      [&](const torch::Tensor& x) {
                                        const auto features = backbone_->forward(x);
                                        rows.features =
                                            projected ? projector_->forward(features) : features;
                                        return clusters_->forward(features);
                                      })
                             .to(torch::kFloat)
                             .softmax(1);
    rows.features = rows.features.to(torch::kFloat);
    return rows;
  }

 private:
  ResNet backbone_;
  Mlp projector_;
  Mlp clusters_;
};

/// How many images of the first epoch, those of all processes, the teacher put into each cluster,
/// and how many of them it was sure of.
class SureCounts : public torch::nn::Module {
 public:
  explicit SureCounts(std::int64_t clusters)
      : all_(register_buffer("all", torch::zeros({clusters}))),
        sure_(register_buffer("sure", torch::zeros({clusters}))) {}
  /// `labels` [B], and `sure` [B] of 0 and 1.
  void add(const torch::Tensor& labels, const torch::Tensor& sure) {
    all_.index_add_(0, labels, torch::ones_like(sure));
    sure_.index_add_(0, labels, sure);
  }
  /// How many clusters with images have none that is sure.
  std::int64_t without() const {
    return all_.gt(0).logical_and(sure_.eq(0)).sum().item<std::int64_t>();
  }

 private:
  torch::Tensor all_;
  torch::Tensor sure_;
};

class Dpac : public HeadMethod<DpacParams, ImageEncoder> {
 public:
  using HeadMethod::HeadMethod;

 private:
  std::shared_ptr<ClusterHead> make_head(std::int64_t clusters,
                                         RandomStream& weights) const override {
    return std::make_shared<DpacHeads>(ContrastHeadsShape{.features = body().width(),
                                                          .projection = params_.projection,
                                                          .clusters = clusters,
                                                          .layers = params_.projector_layers,
                                                          .hidden = params_.head_width,
                                                          .batch_norm = true},
                                       params_.self_label, weights);
  }

  std::vector<Stage> stages(const Training& training) override {
    weak_ = body().recipe();
    strong_ = view_recipe(ViewPreset::strong, body().side());
    strong_.flip = weak_.flip;  // digits are never mirrored
    // Nothing of an earlier training, with other parameters perhaps, goes into this one.
    slow_.reset();
    whitening_.reset();
    aggregate_.reset();
    codes_.reset();
    if (params_.contrast == DpacContrast::moco)
      slow_ = make_momentum_contrast(body().backbone(), heads().projector(),
                                     {.queue = params_.queue,
                                      .momentum = params_.momentum,
                                      .temperature = params_.temperature},
                                     largest_batch(training.engine, params_.stage("")),
                                     /*share_batch_norms=*/true, training.engine);
    bool has_clusters = training.has_clusters;
    // Where a label head decided, the clusters of the other, which would now go on learning, are of
    // an earlier network.
    if (params_.epochs > 0 && heads().decided_by_labels()) {
      tell(training.context,
           "--init-from: that run's clusters come from self-labelling, after which they cannot be "
           "trained further; new ones are found (epochs = 0 keeps them)");
      RandomStream weights(training.context.seed, "head");
      heads().forget_clusters(weights);
      has_clusters = false;
    }
    if (has_clusters) note_given_clusters(training);
    std::vector<Stage> all;
    if (training.context.init_from.empty() && params_.pretrain_epochs > 0)
      all.push_back(pretraining(training));
    if (params_.start != HeadStart::random && !has_clusters) all.push_back(head_start(training));
    if (params_.epochs > 0)
      all.push_back(clustering(training));
    else if (!has_clusters && params_.start == HeadStart::random)
      throw UserError(
          "epochs = 0 leaves the clusters as they begin: they must come from a run of the same K "
          "(--init-from) or from start=pac or kmeans");
    // A run that comes from a self-labelled one has its labels, until its clusters change.
    if (params_.self_label && heads().decided_by_labels())
      tell(training.context,
           "nothing is trained: the run of --init-from is self-labelled already, and epochs = 0 "
           "keeps its clusters");
    else if (params_.self_label)
      all.push_back(self_labelling(training));
    return all;
  }

  DpacHeads& heads() const { return static_cast<DpacHeads&>(head()); }

  /// What a step makes of the two views of a batch.
  struct Views {
    torch::Tensor first_logits;  ///< [B, K], of the cluster head; undefined where not asked for
    torch::Tensor contrast;      ///< the loss that compares them
  };
  /// `plain` [B, K] are probabilities of the images as they are; undefined: all repel each other.
  Views compare(const Training& training, Batch& batch, const ViewRecipe& second,
                const torch::Tensor& plain) {
    const Engine& engine = training.engine;
    const auto first_view = body().normalised(batch.views("first", weak_));
    const auto second_view = body().normalised(batch.views("second", second));
    const std::int64_t count = first_view.size(0);
    const bool assigns = plain.defined();
    Views made;
    const auto project = [&](const torch::Tensor& x) {
      const auto features = body().backbone()->forward(x);
      if (assigns) made.first_logits = heads().cluster_logits(features.narrow(0, 0, count));
      return heads().project(features);
    };
    if (slow_) {
      made.contrast = slow_->loss(engine.forward(first_view, project), second_view, batch, engine);
      return made;
    }
    const Processes& processes = engine.processes();
    const auto own = halves(engine.forward(torch::cat({first_view, second_view}), project));
    made.contrast = assigns && params_.contrast == DpacContrast::weighted
                        ? weighted_info_nce(own, gathered(own, processes),
                                            different_clusters(plain, processes.gather(plain)),
                                            processes.rank() * count, params_.temperature)
                        : info_nce(own, processes, params_.temperature);
    return made;
  }

  Stage pretraining(const Training& training) {
    Stage stage = params_.stage("contrast");
    stage.epochs = params_.pretrain_epochs;
    stage.learning_rate = params_.pretrain_rate;
    stage.trained = {&body().module(), heads().projector().get()};
    stage.step = [this, training](Batch& batch) -> Losses {
      const auto loss = compare(training, batch, weak_, {}).contrast;
      return {loss, {{"contrast", loss}}};
    };
    return stage;
  }

  Stage head_start(const Training& training) {
    Stage stage = params_.stage("head");
    stage.epochs = params_.start_epochs;
    stage.clusters = training.clusters;
    stage.trained = {heads().clusters().get()};
    const auto clusters = [this, training] {
      return start_clusters(params_.start, outputs(training).codes, kEmbeddingVariance,
                            training.context);
    };
    const auto logits = [this, training](Batch& batch) {
      body().module().eval();
      torch::Tensor features;
      {
        torch::NoGradGuard no_grad;
        features = training.engine.forward(
            body().normalised(batch.images),
            [&](const torch::Tensor& x) { return body().backbone()->forward(x); });
      }
      return heads().cluster_logits(features);
    };
    return head_start_stage(std::move(stage), training.data, training.engine, {clusters, logits});
  }

  std::shared_ptr<Teacher> make_teacher(const Training& training, const char* name) {
    auto teacher =
        std::make_shared<Teacher>(body().backbone(), heads().projector(), heads().clusters());
    teacher->to(training.engine.context().device);
    training.engine.keep(name, *teacher);
    return teacher;
  }
  void take(Teacher& teacher) const {
    teacher.take(body().backbone(), heads().projector(), heads().clusters());
  }

  /// What is measured of the images of all processes, as distances are taken of it.
  torch::Tensor measured(const AssignedRows& plain, const Processes& processes) const {
    const auto all = processes.gather(plain.features);
    if (whitening_) return whitening_->next(all);
    return params_.distance == DpacDistance::centred ? centred_rows(all, /*whiten=*/false) : all;
  }

  RunningAggregate::Window window(const Engine& engine, const Stage& stage) const {
    const auto steps = static_cast<double>(engine.steps_per_epoch(stage));
    return {.batches = std::lround(std::min(1 / (1 - params_.memory), steps)),
            .largest = largest_batch(engine, stage)};
  }

  /// Has `stage` begin its epochs with what must be learned from all images. Returns the network
  /// that assigns plain images.
  std::shared_ptr<Teacher> learn_from_all(const Training& training, Stage& stage) {
    const bool online =
        params_.objective == DpacObjective::opa || params_.objective == DpacObjective::jpac;
    const torch::Device device = training.engine.context().device;
    if (params_.objective == DpacObjective::opa) {
      const std::int64_t width =
          params_.distance == DpacDistance::projections ? params_.projection : body().width();
      aggregate_ = std::make_shared<RunningAggregate>(width, training.clusters,
                                                      window(training.engine, stage));
      aggregate_->to(device);
      training.engine.keep("aggregate", *aggregate_);
    }
    if (online && params_.distance == DpacDistance::whitened) {
      whitening_ = std::make_shared<RunningWhitening>(body().width(), kEmbeddingVariance);
      whitening_->to(device);
      training.engine.keep("whitening", *whitening_);
    }
    if (!online) {
      codes_ = std::make_shared<OfflineCodes>(training.data.count, training.clusters);
      codes_->to(device);
      training.engine.keep("codes", *codes_);
    }
    const auto teacher = make_teacher(training, "averaged");
    training.engine.share_batch_norms(*teacher);
    stage.before_epoch = [this, training, teacher](std::int64_t epoch) {
      if (epoch == 0) take(*teacher);
      if (whitening_ && epoch == 0) whitening_->start(outputs(training).codes);
      if (codes_ && epoch % params_.codes_every == 0) {
        const Outputs now = outputs(training);
        codes_->renew(now.codes, now.probabilities, offline_clusterer(), kEmbeddingVariance,
                      training.context);
      }
    };
    return teacher;
  }

  Stage clustering(const Training& training) {
    Stage stage = params_.stage("cluster");
    stage.clusters = training.clusters;
    stage.trained = {&body().module(), heads().clusters().get(), heads().projector().get()};
    const auto teacher = learn_from_all(training, stage);
    stage.step = [this, training, teacher](Batch& batch) -> Losses {
      const Processes& processes = training.engine.processes();
      teacher->follow(body().backbone(), heads().projector(), heads().clusters(),
                      params_.label_momentum);
      const AssignedRows plain =
          teacher->assigned(body().normalised(batch.images),
                            params_.distance == DpacDistance::projections, training.engine);
      const Views views =
          compare(training, batch, params_.strong ? strong_ : weak_, plain.probabilities);
      const auto student = views.first_logits.softmax(1);
      Losses losses;
      losses.labels = plain.probabilities.argmax(1);
      torch::Tensor objective;
      if (params_.objective == DpacObjective::jpac) {
        const auto all = measured(plain, processes);
        const std::int64_t count = student.size(0);
        objective = aggregated_distance({all.narrow(0, processes.rank() * count, count), student},
                                        {all, processes.gather(student)});
        losses.parts.emplace_back("distance", objective);
      } else {
        const auto target =
            codes_ ? codes_->of(batch.indices) : aggregated(plain, batch, processes);
        objective = kl_divergence(target, views.first_logits.log_softmax(1));
        losses.parts.emplace_back("divergence", objective);
        losses.parts.emplace_back("agreement",
                                  target.argmax(1).eq(losses.labels).to(torch::kFloat).mean());
      }
      losses.parts.emplace_back("contrast", views.contrast);
      losses.total = views.contrast + params_.cluster_weight * objective;
      if (params_.balance > 0) {
        const auto skew = imbalance(processes.gather(student));
        losses.parts.emplace_back("imbalance", skew);
        losses.total = losses.total + params_.balance * skew;
      }
      return losses;
    };
    return stage;
  }

  /// The targets of this process's images, from those of all.
  torch::Tensor aggregated(const AssignedRows& plain, const Batch& batch,
                           const Processes& processes) const {
    const auto images = on_device(batch.indices, plain.probabilities.device());
    const auto targets =
        aggregate_->next(measured(plain, processes), processes.gather(plain.probabilities),
                         processes.gather(images), params_.m, params_.scores);
    const std::int64_t count = plain.probabilities.size(0);
    return targets.narrow(0, processes.rank() * count, count);
  }

  EmbeddingClusterer offline_clusterer() const {
    switch (params_.objective) {
      case DpacObjective::kmeans:
        return EmbeddingClusterer::kmeans;
      case DpacObjective::fcm:
        return EmbeddingClusterer::fcm;
      default:
        return EmbeddingClusterer::pac;
    }
  }

  Stage self_labelling(const Training& training) {
    Stage stage = params_.stage("self-label");
    stage.epochs = params_.label_epochs;
    stage.learning_rate = params_.label_rate;
    stage.clusters = training.clusters;
    stage.trained = {&body().module(), &heads().labels()};
    // Labels of a network that learns from them would drift, and clusters merge.
    const auto teacher = make_teacher(training, "teacher");
    teacher->eval();
    const auto counts = std::make_shared<SureCounts>(training.clusters);
    counts->to(training.engine.context().device);
    training.engine.keep("sure", *counts);
    stage.before_epoch = [this, teacher](std::int64_t epoch) {
      if (epoch == 0) take(*teacher);
    };
    stage.step = [this, training, teacher, counts](Batch& batch) -> Losses {
      const Engine& engine = training.engine;
      const AssignedRows weak = teacher->assigned(body().normalised(batch.views("weak", weak_)),
                                                  /*projected=*/false, engine);
      const auto [surest, labels] = weak.probabilities.max(1);
      const auto sure = surest.gt(params_.threshold).to(torch::kFloat);
      if (batch.epoch == 0)
        counts->add(engine.processes().gather(labels), engine.processes().gather(sure));
      const auto logits = engine.forward(
          body().normalised(batch.views("strong", strong_)), [&](const torch::Tensor& x) {
            return heads().label_logits(body().backbone()->forward(x));
          });
      // The mean over all images: a batch with few sure ones says little.
      const auto loss =
          (sure * torch::cross_entropy_loss(logits, labels, {}, at::Reduction::None)).mean();
      const auto learned = logits.argmax(1);
      return {
          loss,
          {{"cross_entropy", loss},
           {"sure", sure.mean()},
           {"agreement", learned.eq(labels).to(torch::kFloat).mean()}},
          batch.epoch > 0 ? learned : labels};  // the head begins with one cluster of nearly all
    };
    // A head that has not seen every cluster must not decide.
    stage.finished = [this, training, counts, teacher](std::int64_t epoch, const auto&) {
      if (epoch > 0) return false;
      const std::int64_t unseen = counts->without();
      if (unseen == 0) {
        heads().labels_decide();
        return false;
      }
      // Of what decides, the backbone alone was trained.
      teacher->give(body().backbone());
      tell(training.context,
           fmt::format("self-labelling ends without effect: {} of {} clusters have no image surer "
                       "than threshold = {}; lower it, or train the clusters longer",
                       unseen, training.clusters, params_.threshold));
      return true;
    };
    return stage;
  }

  ViewRecipe weak_, strong_;
  std::shared_ptr<MomentumContrast> slow_;       // with contrast=moco
  std::shared_ptr<RunningWhitening> whitening_;  // with distance=whitened
  std::shared_ptr<RunningAggregate> aggregate_;  // with objective=opa
  std::shared_ptr<OfflineCodes> codes_;          // with offline objectives
};

}  // namespace

const Fields<DpacParams>& DpacParams::fields() {
  static const Fields<DpacParams> kFields = [] {
    Fields<DpacParams> fields;
    fields
        .choice<DpacObjective>(
            "objective", &DpacParams::objective,
            {{"opa", DpacObjective::opa},
             {"jpac", DpacObjective::jpac},
             {"kmeans", DpacObjective::kmeans},
             {"fcm", DpacObjective::fcm},
             {"pac", DpacObjective::pac}},
            "what draws the clusters: targets aggregated in each batch, less distance within "
            "clusters, or clusters of all images found every codes_every epochs")
        .choice<DpacContrast>("contrast", &DpacParams::contrast,
                              {{"weighted", DpacContrast::weighted},
                               {"standard", DpacContrast::standard},
                               {"moco", DpacContrast::moco}},
                              "views: images of one cluster hardly repel, all repel, or all of a "
                              "queue repel (momentum contrast)")
        .number<std::int64_t>("pretrain_epochs", &DpacParams::pretrain_epochs, between(0, 100000),
                              "passes over the images before there are clusters")
        .number<double>("pretrain_rate", &DpacParams::pretrain_rate,
                        Range{.low = 0, .high = 1, .low_open = true},
                        "step size in the pre-training");
    add_aggregated_target_fields(fields);
    fields
        .choice<DpacDistance>(
            "distance", &DpacParams::distance,
            {{"whitened", DpacDistance::whitened},
             {"features", DpacDistance::features},
             {"centred", DpacDistance::centred},
             {"projections", DpacDistance::projections}},
            "with opa and jpac, cosine distances are measured between the backbone's outputs: with "
            "their covariance over all images, then over the latest batches, made the identity, as "
            "they are, or less their mean in the batch; or between the projector's outputs")
        .number<double>(
            "memory", &DpacParams::memory, Range{.low = 0, .high = 1, .high_open = true},
            "with opa, targets aggregate over the latest 1 / (1 - memory) batches, at most an "
            "epoch's; 0: over one, as in the paper, where chance in how many images of a cluster "
            "it holds decides "
            "much")
        .number<double>(
            "label_momentum", &DpacParams::label_momentum,
            Range{.low = 0, .high = 1, .high_open = true},
            "plain images are assigned by a moving average of the network that keeps this much of "
            "itself in a step; 0: by the network itself, as in the paper")
        .number<double>("cluster_weight", &DpacParams::cluster_weight, above(0),
                        "weight of the objective beside the contrast of views")
        .number<double>("balance", &DpacParams::balance, between(0, 1000),
                        "weight of what keeps the clusters equally large")
        .flag("strong", &DpacParams::strong,
              "the second view is changed strongly while clustering (RandAugment, cutout)")
        .number<std::int64_t>("codes_every", &DpacParams::codes_every, between(1, 100000),
                              "epochs after which clusters of all images are found anew")
        .flag("self_label", &DpacParams::self_label,
              "a last training: sure predictions are labels for strongly changed images")
        .carries_over()
        .number<std::int64_t>("label_epochs", &DpacParams::label_epochs, between(1, 100000),
                              "passes over the images in the self-labelling")
        .number<double>("label_rate", &DpacParams::label_rate,
                        Range{.low = 0, .high = 1, .low_open = true},
                        "step size in the self-labelling")
        .number<double>("threshold", &DpacParams::threshold,
                        Range{.low = 0, .high = 1, .high_open = true},
                        "probability above which a prediction is sure")
        .number<std::int64_t>(
            "queue", &DpacParams::queue, between(2, 1 << 20),
            "keys of earlier images, with contrast=moco; at least a batch, at most as "
            "many as there are images")
        .number<double>(
            "momentum", &DpacParams::momentum, Range{.low = 0, .high = 1, .high_open = true},
            "with contrast=moco, how much of itself the network of the keys keeps in a step");
    add_head_start_fields(fields);
    add_view_training_fields(fields, /*least_epochs=*/0, "passes over the images while clustering");
    add_encoder_fields(fields);
    fields.only_with("objective", {"opa"}, {"m", "scores", "memory"})
        .only_with("objective", {"opa", "jpac"}, {"distance"})
        .only_with("objective", {"kmeans", "fcm", "pac"}, {"codes_every"})
        .only_with("contrast", {"moco"}, {"queue", "momentum"})
        .only_with("self_label", {"true"}, {"label_epochs", "label_rate", "threshold"})
        .replaced_by(GivenPart::network, {"pretrain_epochs", "pretrain_rate"})
        .replaced_by(GivenPart::clusters, {"start", "start_epochs"});
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_dpac() {
  return std::make_unique<Dpac>(MethodInfo{
      .name = "dpac",
      .family = "contrastive",
      .summary = "contrast of views with online probability aggregation: clusters without centres",
      .paper = "Yan, Lu, Yan: Deep Probability Aggregation Clustering, 2024",
      .input = InputKind::images,
      .network = NetworkKind::backbone});
}

}  // namespace coterie
