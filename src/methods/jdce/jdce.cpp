#include "coterie/methods/jdce/jdce.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>

#include "coterie/methods/cc/cc_step.h"
#include "coterie/methods/embedding_clusters.h"
#include "coterie/methods/head_method.h"
#include "coterie/methods/jdce/base_clusterings.h"
#include "coterie/methods/jdce/jdce_params.h"
#include "coterie/metrics/assignment.h"
#include "coterie/metrics/scores.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/whitening.h"

namespace coterie {
namespace {

/// Rows [N, E] without `ratio` of their columns, at random; two columns at least, where there are.
Matrix<float> part_of(const Matrix<float>& rows, double ratio, RandomStream& random) {
  std::vector<std::int64_t> columns(static_cast<std::size_t>(rows.cols()));
  std::iota(columns.begin(), columns.end(), std::int64_t{0});
  random.shuffle(std::span(columns));
  const auto kept = std::lround((1 - ratio) * static_cast<double>(columns.size()));
  columns.resize(
      static_cast<std::size_t>(std::clamp(kept, std::min(2L, rows.cols()), rows.cols())));
  Matrix<float> part(rows.rows(), static_cast<std::int64_t>(columns.size()));
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    for (std::size_t c = 0; c < columns.size(); ++c) part.row(i)[c] = rows.row(i)[columns[c]];
  return part;
}

using LabelVectors = std::vector<std::vector<std::int32_t>>;

/// Labels as probabilities [N, K].
Matrix<float> one_hot(const std::vector<std::int32_t>& labels, std::int64_t clusters) {
  Matrix<float> rows(static_cast<std::int64_t>(labels.size()), clusters);
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    rows.row(i)[labels[static_cast<std::size_t>(i)]] = 1;
  return rows;
}

/// CC's heads, of which the cluster head can leave hidden values out, and `others`: cluster heads
/// for bases.
class JdceHeads : public ContrastHeads {
 public:
  JdceHeads(const ContrastHeadsShape& shape, std::int64_t others, RandomStream& weights)
      : ContrastHeads(shape, weights) {
    for (std::int64_t i = 0; i < others; ++i)
      others_.push_back(register_module(fmt::format("other{}", i), make_cluster_head(shape)));
    for (Mlp& other : others_) initialise(*other, weights);
  }
  /// [B, K], what the head gives where each hidden value is left out with probability `ratio`.
  torch::Tensor thinned(const torch::Tensor& features, double ratio, at::Generator& random) {
    const auto hidden = clusters()->hidden(features).to(torch::kFloat);
    const auto kept = torch::rand(hidden.sizes(), random, torch::kFloat).ge(ratio);
    const auto thin = hidden * kept.to(hidden.device()) / (1 - ratio);
    return clusters()->last(thin).to(torch::kFloat).softmax(1);
  }

  std::vector<Mlp>& others() { return others_; }

 private:
  std::vector<Mlp> others_;
};

/// What the network is to learn of each image until the next consensus, and the latest bases.
class PseudoLabels : public torch::nn::Module {
 public:
  /// Remembers the latest `bases` clusterings.
  PseudoLabels(std::int64_t images, std::int64_t bases)
      : labels_(register_buffer("labels", torch::zeros({images}, torch::kLong))),
        sure_(register_buffer("sure", torch::ones({images}))),
        bases_(register_buffer("bases", torch::full({bases, images}, -1, torch::kInt))) {}
  /// `confidence` [N]: images below `threshold` are left out.
  void set(const std::vector<std::int32_t>& labels, const std::vector<float>& confidence,
           double threshold) {
    labels_.copy_(torch::tensor(labels, torch::kLong));
    sure_.copy_(torch::tensor(confidence).ge(threshold).to(torch::kFloat));
  }
  std::vector<std::int32_t> labels() const {
    const auto values = labels_.cpu();
    const auto* begin = values.data_ptr<std::int64_t>();
    return {begin, begin + values.numel()};
  }
  /// The latest clusterings that were remembered, newest first.
  LabelVectors bases() const {
    const auto rows = bases_.cpu();
    LabelVectors all;
    for (std::int64_t b = 0; b < rows.size(0); ++b) {
      const auto* begin = rows[b].data_ptr<std::int32_t>();
      if (*begin >= 0) all.emplace_back(begin, begin + rows.size(1));
    }
    return all;
  }
  void remember(const LabelVectors& newest) {
    std::vector<torch::Tensor> rows;
    for (const auto& labels : newest)
      rows.push_back(torch::tensor(labels, bases_.options()).unsqueeze(0));
    rows.push_back(bases_);
    bases_.copy_(torch::cat(rows).narrow(0, 0, bases_.size(0)));
  }
  torch::Tensor labels_of(const std::vector<std::int64_t>& images) const {
    return rows_of(labels_, images);
  }
  torch::Tensor sure_of(const std::vector<std::int64_t>& images) const {
    return rows_of(sure_, images);
  }

 private:
  torch::Tensor labels_;
  torch::Tensor sure_;
  torch::Tensor bases_;  // [.., N], -1 where there is none yet
};

class Jdce : public HeadMethod<JdceParams, ImageEncoder> {
 public:
  using HeadMethod::HeadMethod;
  nlohmann::json statistics() const override {
    nlohmann::json all = HeadMethod::statistics();
    if (!head_scores_.empty()) all["head_scores"] = head_scores_;
    return all;
  }

 private:
  std::shared_ptr<ClusterHead> make_head(std::int64_t clusters,
                                         RandomStream& weights) const override {
    return std::make_shared<JdceHeads>(
        ContrastHeadsShape{.features = body().width(),
                           .projection = params_.projection,
                           .clusters = clusters,
                           .layers = params_.projector_layers,
                           .hidden = params_.head_width,
                           .centres = params_.labels == JdceLabels::kmeans ? clusters : 0},
        params_.bases == JdceBases::heads ? 2 * params_.members : 0, weights);
  }
  JdceHeads& heads() const { return static_cast<JdceHeads&>(head()); }

  std::vector<Stage> stages(const Training& training) override {
    if (params_.least_dropout > params_.most_dropout)
      throw UserError("least_dropout = {} is above most_dropout = {}", params_.least_dropout,
                      params_.most_dropout);
    if (params_.augment && params_.joint && params_.contrast > 0)
      throw UserError(
          "augment = true has no effect while contrast = {} compares two changed images of each; "
          "set contrast=0 for one",
          params_.contrast);
    if (params_.soft && !training.context.bases.empty())
      throw UserError("soft = true takes probabilities, and --bases gives labels alone");
    std::vector<Stage> all;
    if (training.has_clusters) {
      note_given_clusters(training);
    } else {
      if (params_.pretrain_epochs == 0)
        throw UserError(
            "pretrain_epochs = 0 leaves the cluster head as it begins: it must come from a run of "
            "cc with the same K (--init-from)");
      all.push_back(pretraining(training));
    }
    if (params_.bases == JdceBases::heads) all.push_back(other_heads(training));
    all.push_back(ensemble(training));
    return all;
  }

  /// A stage that learns CC's clusters.
  Stage cc_stage(const char* name, std::int64_t epochs) const {
    Stage stage = params_.stage(name);
    stage.epochs = epochs;
    stage.learning_rate = params_.pretrain_rate;
    stage.schedule = LearningRate::cosine;
    stage.optimiser.weight_decay = params_.pretrain_decay;
    return stage;
  }

  Stage pretraining(const Training& training) {
    Stage stage = cc_stage("contrast", params_.pretrain_epochs);
    stage.clusters = training.clusters;
    stage.trained = {&body().module(), heads().projector().get(), heads().clusters().get()};
    stage.step = [this, training](Batch& batch) {
      return cc_losses(batch, body(), heads(), training.engine,
                       {.temperature = params_.temperature,
                        .cluster_temperature = params_.cluster_temperature,
                        .balance = params_.balance});
    };
    return stage;
  }

  /// The heads of the bases learn CC's clusters, each by itself, on a backbone that is held.
  Stage other_heads(const Training& training) {
    Stage stage = cc_stage("heads", params_.head_epochs);
    for (Mlp& other : heads().others()) stage.trained.push_back(other.get());
    stage.step = [this, training](Batch& batch) -> Losses {
      body().module().eval();
      const ViewRecipe recipe = body().recipe();
      const auto images = torch::cat({batch.views("first", recipe), batch.views("second", recipe)});
      const auto features = [&] {
        torch::NoGradGuard held;
        return training.engine.forward(body().normalised(images), [&](const torch::Tensor& x) {
          return body().backbone()->forward(x);
        });
      }();
      auto clusters = torch::zeros({}, features.options().dtype(torch::kFloat));
      auto skew = clusters.clone();
      for (Mlp& other : heads().others()) {
        const auto assigned = other->forward(features).to(torch::kFloat).softmax(1);
        const auto [contrast, own_skew] =
            cc_cluster_terms(assigned, training.engine.processes(), params_.cluster_temperature);
        clusters = clusters + contrast;
        skew = skew + own_skew;
      }
      return {clusters + params_.balance * skew,
              {{"cluster_info_nce", clusters}, {"imbalance", skew}}};
    };
    return stage;
  }

  /// What outputs [B, K] have still to learn of the consensus.
  static Losses learned(const torch::Tensor& logits, const torch::Tensor& labels,
                        const torch::Tensor& sure) {
    const auto loss =
        (sure * torch::cross_entropy_loss(logits, labels, {}, at::Reduction::None)).mean();
    const auto found = logits.argmax(1);
    return {loss,
            {{"cross_entropy", loss},
             {"agreement", found.eq(labels).to(torch::kFloat).mean()},
             {"sure", sure.mean()}},
            found};
  }

  /// The same of two views of each image, which are contrasted with those of other images, so that
  /// the features hold more than the consensus says.
  Losses learned_and_compared(const Training& training, Batch& batch, const torch::Tensor& labels,
                              const torch::Tensor& sure) const {
    const auto [logits, instances] =
        contrast_views(batch, body(), heads(), training.engine, params_.temperature);
    Losses losses = learned(logits, labels.repeat({2}), sure.repeat({2}));
    losses.total = losses.total + params_.contrast * instances;
    losses.parts.emplace_back("info_nce", instances);
    losses.labels = losses.labels.chunk(2)[0];
    return losses;
  }

  /// [N, E] of the images as they are, on the training's device.
  torch::Tensor features_of_all(const Training& training) const {
    const FitContext silent = training.context.silent();
    Matrix<float> rows = body().embed(training.data, silent);
    return torch::from_blob(rows.data(), {rows.rows(), rows.cols()})
        .to(training.engine.context().device, torch::kFloat, /*non_blocking=*/false, /*copy=*/true);
  }

  Stage ensemble(const Training& training) {
    // Two steps learn their one consensus for as long as the joint way learns all of its.
    const std::int64_t rounds = params_.joint ? params_.iterations : 1;
    const std::int64_t round_epochs = params_.iterations * params_.epochs / rounds;
    const auto pseudo = std::make_shared<PseudoLabels>(
        training.data.count, std::min(params_.earlier, rounds - 1) * own_bases(training));
    pseudo->to(training.engine.context().device);
    training.engine.keep("pseudo-labels", *pseudo);
    Stage stage = params_.stage("ensemble");
    stage.epochs = rounds * round_epochs;
    stage.clusters = training.clusters;
    const bool compared = params_.joint && params_.contrast > 0;
    stage.trained = {heads().clusters().get()};
    if (params_.joint) stage.trained.push_back(&body().module());
    if (compared) stage.trained.push_back(heads().projector().get());
    stage.before_epoch = [this, training, pseudo, round_epochs](std::int64_t epoch) {
      if (epoch % round_epochs == 0) renew(training, epoch / round_epochs, *pseudo);
    };
    // A backbone that is held and sees the images as they are runs once for each.
    const bool held = !params_.joint && !params_.augment;
    const auto features = std::make_shared<torch::Tensor>();
    stage.step = [=, this](Batch& batch) -> Losses {
      const auto labels = pseudo->labels_of(batch.indices);
      const auto sure = pseudo->sure_of(batch.indices);
      if (compared) return learned_and_compared(training, batch, labels, sure);
      if (!params_.joint) body().module().eval();
      if (held && !features->defined()) *features = features_of_all(training);
      const auto inputs = held ? rows_of(*features, batch.indices)
                          : params_.augment
                              ? body().normalised(batch.views("learned", body().recipe()))
                              : body().normalised(batch.images);
      const auto logits = training.engine.forward(inputs, [&](const torch::Tensor& x) {
        return heads().cluster_logits(held ? x : body().backbone()->forward(x));
      });
      return learned(logits, labels, sure);
    };
    return stage;
  }

  /// How many bases an ensemble makes itself, beside those that were given.
  std::int64_t own_bases(const Training& training) const {
    return std::max<std::int64_t>(
        0, params_.members - static_cast<std::int64_t>(training.context.bases.size()));
  }

  /// All clusterings that are looked at, and what the network says without dropout.
  struct Candidates {
    BaseClusterings all;
    std::vector<std::int32_t> labels;
    std::vector<float> confidence;
  };

  /// One pass over the images: the backbone runs once for each, the head 2M times.
  Candidates candidates(const Training& training, std::int64_t iteration) const {
    const std::int64_t clusters = training.clusters;
    const bool any = own_bases(training) > 0;
    const std::int64_t tries =
        any && (params_.bases == JdceBases::dropout || params_.bases == JdceBases::heads)
            ? 2 * params_.members
            : 0;
    const std::int64_t columns = params_.soft ? clusters : 1;
    std::vector<std::int64_t> widths;  // of what k-means looks at
    RandomStream seeds(training.context.seed, "dropout/" + std::to_string(iteration));
    at::Generator random = at::detail::createCPUGenerator(seeds.next());
    const FitContext silent = training.context.silent();
    head().eval();
    Matrix<float> features;
    const Matrix<float> found =
        body().embed(training.data, silent, [&](const torch::Tensor& images) {
          const auto layers = body().backbone()->layer_means(images);
          const auto& x = layers.back();
          const auto [surest, label] = heads().cluster_logits(x).softmax(1).max(1, true);
          std::vector<torch::Tensor> parts = {label.to(torch::kFloat), surest};
          for (std::int64_t i = 0; i < tries; ++i) {
            const auto y = params_.bases == JdceBases::heads
                               ? heads().others()[i]->forward(x).to(torch::kFloat).softmax(1)
                               : heads().thinned(x, dropout_of(i, tries), random);
            parts.push_back(params_.soft ? y : y.argmax(1, true).to(torch::kFloat));
          }
          widths.clear();
          for (const auto& layer : layers) {
            const bool of_embeddings =
                params_.bases == JdceBases::kmeans || params_.bases == JdceBases::parts;
            const bool looked_at =
                params_.bases == JdceBases::layers || (of_embeddings && layer.is_same(x));
            if (!any || !looked_at) continue;
            parts.push_back(layer.to(torch::kFloat));
            widths.push_back(layer.size(1));
          }
          return torch::cat(parts, 1);
        });
    body().module().train();
    head().train();
    Candidates made;
    for (std::int64_t i = 0; i < found.rows(); ++i) {
      made.labels.push_back(static_cast<std::int32_t>(found.row(i)[0]));
      made.confidence.push_back(found.row(i)[1]);
    }
    for (std::int64_t t = 0; t < tries; ++t)
      add_candidate(found, 2 + t * columns, columns, made.all);
    if (!widths.empty()) add_kmeans(training, iteration, found, widths, made.all);
    return made;
  }

  /// The share of hidden values that the i-th of `tries` leaves out.
  double dropout_of(std::int64_t i, std::int64_t tries) const {
    const double part = static_cast<double>(i) / std::max<double>(1, tries - 1);
    return params_.least_dropout + part * (params_.most_dropout - params_.least_dropout);
  }

  /// One of them from its columns of what the pass gave: labels, or probabilities.
  static void add_candidate(const Matrix<float>& found, std::int64_t first, std::int64_t columns,
                            BaseClusterings& all) {
    std::vector<std::int32_t> labels(static_cast<std::size_t>(found.rows()));
    Matrix<float> soft(columns > 1 ? found.rows() : 0, columns);
    for (std::int64_t i = 0; i < found.rows(); ++i) {
      const float* row = found.row(i) + first;
      labels[i] = static_cast<std::int32_t>(columns > 1 ? std::max_element(row, row + columns) - row
                                                        : row[0]);
      if (columns > 1) std::copy_n(row, columns, soft.row(i));
    }
    all.labels.push_back(std::move(labels));
    if (columns > 1) all.probabilities.push_back(std::move(soft));
  }

  /// k-means of rows of these widths, which begin at column 2, in turn, each from a seed of its
  /// own; of `parts`, each of directions in a part of its own of the whitened rows. The last ones
  /// where there are more than tries.
  void add_kmeans(const Training& training, std::int64_t iteration, const Matrix<float>& found,
                  const std::vector<std::int64_t>& widths, BaseClusterings& all) const {
    RandomStream seeds(training.context.seed, "kmeans/" + std::to_string(iteration));
    const bool parts = params_.bases == JdceBases::parts;
    const std::int64_t tries = 2 * params_.members;
    const auto layers = static_cast<std::int64_t>(widths.size());
    const std::int64_t skipped = std::max<std::int64_t>(0, layers - tries);
    std::int64_t first = 2;
    for (std::int64_t l = 0; l < layers; first += widths[l++]) {
      if (l < skipped) continue;
      Matrix<float> rows(found.rows(), widths[l]);
      for (std::int64_t i = 0; i < rows.rows(); ++i)
        std::copy_n(found.row(i) + first, rows.cols(), rows.row(i));
      if (parts) {
        Whitening whitening;
        whitening.fit(rows, kEmbeddingVariance);
        rows = whitening.apply(rows);
      }
      for (std::int64_t t = l - skipped; t < tries; t += layers - skipped) {
        // One column alone has two directions.
        KMeans kmeans({.restarts = 1, .spherical = parts && rows.cols() > 1});
        const ShallowContext around{.seed = seeds.next(), .cancel = training.context.cancel};
        Assignment clusters = parts ? kmeans.fit(part_of(rows, dropout_of(t, tries), seeds),
                                                 training.clusters, around)
                                    : kmeans.fit(rows, training.clusters, around);
        all.labels.push_back(std::move(clusters.labels));
        if (params_.soft) all.probabilities.push_back(std::move(clusters.probabilities));
      }
    }
  }

  RotationConsensus consensus_of(const Training& training, const BaseClusterings& bases) const {
    const RotationParams rotation{.unit_columns = params_.unit_columns};
    const ShallowContext around{.seed = training.context.seed, .cancel = training.context.cancel};
    try {
      return params_.soft
                 ? rotation_consensus(bases.probabilities, training.clusters, rotation, around)
                 : rotation_consensus(bases.labels, training.clusters, rotation, around);
    } catch (const UserError& error) {
      throw UserError(
          "the base clusterings have no consensus of {} clusters: {}. Train the cluster head "
          "longer "
          "(pretrain_epochs), or start from a run that has found its clusters (--init-from)",
          training.clusters, error.what());
    }
  }

  /// New pseudo-labels: the consensus of new base clusterings, those of earlier ensembles, and
  /// those that were given.
  void renew(const Training& training, std::int64_t iteration, PseudoLabels& pseudo) const {
    Candidates made = candidates(training, iteration);
    const auto& given = training.context.bases;
    keep_bases(made.all, static_cast<std::size_t>(own_bases(training)), params_.kept);
    const LabelVectors earlier = pseudo.bases();
    pseudo.remember(made.all.labels);
    for (const auto& labels : earlier) {
      if (params_.soft) made.all.probabilities.push_back(one_hot(labels, training.clusters));
      made.all.labels.push_back(labels);
    }
    made.all.labels.insert(made.all.labels.begin(), given.begin(), given.end());
    RotationConsensus consensus = consensus_of(training, made.all);
    if (params_.matched) {
      const auto numbers = matched_clusters(iteration == 0 ? made.labels : pseudo.labels(),
                                            consensus.labels, training.clusters);
      for (std::int32_t& label : consensus.labels)
        label = static_cast<std::int32_t>(numbers[static_cast<std::size_t>(label)]);
    }
    pseudo.set(consensus.labels, made.confidence, params_.threshold);
    if (training.engine.processes().first())
      training.context.record(
          description(training.context, iteration, made, earlier.size(), consensus));
  }

  /// What an ensemble did, for the record.
  static nlohmann::json description(const FitContext& context, std::int64_t iteration,
                                    const Candidates& made, std::size_t earlier,
                                    const RotationConsensus& consensus) {
    const LabelSets bases = made.all.labels;
    std::vector<std::string> origins(context.bases.size(), "given");
    origins.resize(bases.size() - earlier, "own");
    origins.resize(bases.size(), "earlier");
    const std::vector<double> mutual = mean_nmi_to_others(bases);
    std::vector<double> nmi;
    nlohmann::json scores = nlohmann::json::array();
    for (const auto& base : bases) {
      nmi.push_back(normalized_mutual_information(base, consensus.labels));
      if (const nlohmann::json score = context.score(base); !score.empty()) scores.push_back(score);
    }
    const auto mean = [](const std::vector<double>& values) {
      return std::accumulate(values.begin(), values.end(), 0.0) /
             static_cast<double>(values.size());
    };
    nlohmann::json line = {{"stage", "consensus"},
                           {"epoch", iteration + 1},
                           {"bases_nmi_to_each_other", mean(mutual)},
                           {"consensus_nmi_to_bases", mean(nmi)},
                           {"passes", consensus.passes()},
                           {"loss_of_consensus", consensus.losses.back()},
                           {"bases",
                            {{"origin", origins},
                             {"nmi_to_others", mutual},
                             {"nmi_to_consensus", nmi},
                             {"alpha", consensus.alpha},
                             {"losses_of_passes", consensus.losses}}}};
    if (!scores.empty()) {
      line["bases"]["scores"] = scores;
      line["consensus_scores"] = context.score(consensus.labels);
      line["head_scores"] = context.score(made.labels);
    }
    return line;
  }

  void finish(const Training& training) override {
    head_scores_ = {};
    if (!heads().nearest) return;
    head().eval();
    const FitContext silent = training.context.silent();
    const Matrix<float> outputs =
        body().embed(training.data, silent, [this](const torch::Tensor& images) {
          return heads().described(body().backbone()->forward(images));
        });
    const std::vector<std::int32_t> labels = argmax_rows(outputs);
    head_scores_ = training.context.score(labels);
    // Clusters that a person has corrected are the head's: k-means would move them.
    if (training.context.corrections.empty())
      heads().nearest->fit(outputs, silent, labels);
    else
      heads().nearest->take_corners();
  }

  nlohmann::json head_scores_;  // what labels=head would have given, for the record; may be empty
};

}  // namespace

const Fields<JdceParams>& JdceParams::fields() {
  static const Fields<JdceParams> kFields = [] {
    Fields<JdceParams> fields;
    fields
        .number<std::int64_t>("pretrain_epochs", &JdceParams::pretrain_epochs, between(0, 100000),
                              "passes over the images of contrastive clustering (cc) before there "
                              "is an ensemble")
        .number<double>("pretrain_rate", &JdceParams::pretrain_rate,
                        Range{.low = 0, .high = 1, .low_open = true},
                        "step size in the pre-training and while `heads` learn")
        .number<double>("pretrain_decay", &JdceParams::pretrain_decay, between(0, 1),
                        "pull of the weights towards 0 in the pre-training and while `heads` learn")
        .number<double>(
            "cluster_temperature", &JdceParams::cluster_temperature, between(0.01, 10),
            "what cosines of clusters are divided by in the pre-training and while `heads` learn")
        .number<double>("balance", &JdceParams::balance, between(0, 1000),
                        "weight of what keeps the clusters equally large, in the pre-training and "
                        "while `heads` learn")
        .number<std::int64_t>("iterations", &JdceParams::iterations, between(1, 10000),
                              "consensus clusterings that are made and learned, one after another, "
                              "each for `epochs`")
        .number<std::int64_t>("members", &JdceParams::members, between(2, 1000),
                              "base clusterings of a consensus; twice as many are made")
        .choice<JdceBases>(
            "bases", &JdceParams::bases,
            {{"dropout", JdceBases::dropout},
             {"heads", JdceBases::heads},
             {"kmeans", JdceBases::kmeans},
             {"layers", JdceBases::layers},
             {"parts", JdceBases::parts}},
            "where base clusterings come from: the cluster head with dropout, cluster heads "
            "from as many random starts, k-means of the embeddings from as many "
            "seeds, k-means of what each layer of the backbone gives, or k-means of "
            "random parts of the whitened embeddings")
        .choice<KeptBases>(
            "kept", &JdceParams::kept,
            {{"diverse", KeptBases::diverse}, {"alike", KeptBases::alike}},
            "which base clusterings stay: the most different ones, or those that agree most")
        .number<std::int64_t>("earlier", &JdceParams::earlier, between(0, 1000),
                              "ensembles before the present one whose bases take part in the "
                              "consensus too")
        .number<std::int64_t>(
            "head_epochs", &JdceParams::head_epochs, between(1, 100000),
            "with bases=heads, passes over the images in which they learn clusters as in cc, "
            "with the backbone held")
        .number<double>(
            "least_dropout", &JdceParams::least_dropout, between(0, 0.99),
            "share of hidden values, or of whitened ones, left out in the first base clustering")
        .number<double>("most_dropout", &JdceParams::most_dropout, between(0, 0.99),
                        "the same in the last one; between, it grows evenly")
        .flag("soft", &JdceParams::soft, "the consensus is of probabilities and not of labels")
        .flag("unit_columns", &JdceParams::unit_columns,
              "large and small clusters count alike in the consensus, and all bases")
        .flag("matched", &JdceParams::matched,
              "clusters keep their numbers from one consensus to the next")
        .flag("augment", &JdceParams::augment,
              "the consensus is learned from changed images, one of each; `contrast` takes two")
        .number<double>("contrast", &JdceParams::contrast, between(0, 1000),
                        "while the backbone learns a consensus, weight of InfoNCE between two "
                        "changed images of each")
        .number<double>("threshold", &JdceParams::threshold, between(0, 1),
                        "only images whose largest probability reaches it are learned")
        .flag("joint", &JdceParams::joint,
              "the backbone learns the consensus too; without it there is one consensus, which the "
              "head alone learns for iterations x epochs (table III, two-step)")
        .choice<JdceLabels>("labels", &JdceParams::labels,
                            {{"kmeans", JdceLabels::kmeans}, {"head", JdceLabels::head}},
                            "what decides in the end: k-means of the head's outputs, or the "
                            "largest of them");
    add_view_training_fields(fields, /*least_epochs=*/1,
                             "passes over the images for each consensus");
    add_encoder_fields(fields);
    fields.only_with("bases", {"dropout", "parts"}, {"least_dropout", "most_dropout"})
        .only_with("bases", {"heads"}, {"head_epochs"})
        .only_with("joint", {"true"}, {"earlier", "contrast"})
        .replaced_by(GivenPart::clusters, {"pretrain_epochs"})
        .replaced_by(GivenPart::clusters,
                     {"pretrain_rate", "pretrain_decay", "cluster_temperature", "balance"},
                     ParamCondition{"bases", {"heads"}});
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_jdce() {
  return std::make_unique<Jdce>(
      MethodInfo{.name = "jdce",
                 .family = "ensemble",
                 .summary = "base clusterings and their consensus improve each other",
                 .paper = "Liang, Dong, Yang, Zhou: Jointly Learn the Base Clustering and Ensemble "
                          "for Deep Image Clustering, 2024",
                 .input = InputKind::images,
                 .network = NetworkKind::backbone,
                 .takes_bases = true});
}

}  // namespace coterie
