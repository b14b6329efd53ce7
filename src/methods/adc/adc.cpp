#include "coterie/methods/adc/adc.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "coterie/loss/distributions.h"
#include "coterie/loss/pairs.h"
#include "coterie/methods/adc/adc_params.h"
#include "coterie/methods/adc/answers.h"
#include "coterie/methods/centre_head.h"
#include "coterie/methods/head_method.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/kmeans.h"

namespace coterie {
namespace {

class Adc : public HeadMethod<AdcParams, SiameseNetwork> {
 public:
  using HeadMethod::HeadMethod;

  std::map<std::string, std::string> files() const override {
    if (!answers_) return {};
    return {{"constraints.csv", constraints_csv(answers_->constraints(), {})}};
  }

 private:
  bool learns_constraints() const override { return true; }

  std::shared_ptr<ClusterHead> make_head(std::int64_t clusters, RandomStream&) const override {
    return std::make_shared<CentreHead>(clusters, params_.embedding, params_.alpha);
  }

  std::vector<Stage> stages(const Training& training) override {
    const FitContext& context = training.context;
    const bool asks = static_cast<bool>(context.oracle);
    const auto& known = context.corrections.constraints;
    if (!asks && known.empty())
      throw UserError(
          "method adc learns from answers about pairs of images, and there is nobody to ask: give "
          "--oracle (truth, or a csv of constraints) or --constraints, or cluster with another "
          "method first and answer in the browser (coterie annotate RUN)");
    const std::int64_t rounds = asks ? params_.rounds : 1;
    answers_ = std::make_shared<Answers>(static_cast<std::int64_t>(known.size()) +
                                         (asks ? rounds * budget(training) : 0));
    answers_->add(without_contradictions(known, training));
    training.engine.keep("answers", *answers_);
    targets_ = std::make_shared<SharpenedTargets>(training.data.count, training.clusters);
    targets_->to(training.engine.context().device);
    training.engine.keep("targets", *targets_);
    std::vector<Stage> all;
    for (std::int64_t round = 0; round < rounds; ++round) {
      all.push_back(pairs(training, round));
      all.push_back(clustering(training, round));
    }
    return all;
  }

  std::int64_t budget(const Training& training) const {
    return params_.budget > 0 ? params_.budget
                              : std::max<std::int64_t>(1, training.data.count / 25);
  }

  /// Asks about the pairs of a round.
  void ask(const Training& training, std::int64_t round) {
    if (!training.context.oracle) return;
    // Before a first training there are no clusters, unless they came with the network.
    const bool knows = round > 0 || training.has_clusters;
    Outputs now;
    if (knows) {
      now = outputs(training);
      record(training, round, now);
    } else {
      now.probabilities = Matrix<float>(training.data.count, training.clusters);
    }
    const PairQuery query{.strategy = knows ? params_.strategy : PairStrategy::random,
                          .budget = budget(training),
                          .round = round,
                          .rounds = params_.rounds,
                          .seed = training.context.seed};
    const auto questions = select_pairs(query, {now.probabilities, now.codes}, answers_->asked());
    const Processes& processes = training.engine.processes();
    std::vector<Constraint> answers;
    if (processes.first()) answers = training.context.oracle(questions);
    answers_->add(questions,
                  without_contradictions(shared(std::move(answers), processes), training));
    if (answers_->answered() == 0)
      throw UserError("none of the {} pairs asked about was answered: adc has nothing to learn",
                      questions.size());
  }

  /// Those that agree with all that is known and with each other.
  std::vector<Constraint> without_contradictions(std::vector<Constraint> answers,
                                                 const Training& training) {
    ConstraintGraph graph(training.data.count);
    for (const Constraint& known : answers_->constraints()) graph.add(known);
    std::erase_if(answers, [&](const Constraint& answer) { return !graph.add(answer); });
    return answers;
  }

  /// What the first process knows, in all.
  static std::vector<Constraint> shared(std::vector<Constraint> answers,
                                        const Processes& processes) {
    if (processes.size() == 1) return answers;
    auto text = nlohmann::json::array();
    for (const auto& [a, b, link] : answers) text.push_back({a, b, link == Link::must});
    answers.clear();
    for (const auto& entry : nlohmann::json::parse(processes.broadcast(text.dump())))
      answers.push_back(
          {entry.at(0), entry.at(1), entry.at(2).get<bool>() ? Link::must : Link::cannot});
    return answers;
  }

  /// A line of history for the answers so far and what came of them.
  void record(const Training& training, std::int64_t rounds, const Outputs& now) const {
    if (!training.engine.processes().first()) return;
    nlohmann::json line = {{"stage", "answers"},
                           {"epoch", rounds},
                           {"asked", answers_->asked().size()},
                           {"must", answers_->count(Link::must)},
                           {"cannot", answers_->count(Link::cannot)},
                           {"unused", answers_->asked().size() - answers_->answered()},
                           {"losses", nlohmann::json::object()}};
    if (const auto score = training.context.score(argmax_rows(now.probabilities)); !score.empty())
      line["score"] = score;
    training.context.record(line);
  }

  void finish(const Training& training) override {
    if (!training.context.corrections.labels.empty()) {  // nobody was asked
      answers_.reset();
      return;
    }
    record(training, training.context.oracle ? params_.rounds : 1, outputs(training));
  }

  /// The network learns from all answers so far.
  Stage pairs(const Training& training, std::int64_t round) {
    Stage stage{.name = fmt::format("pairs {}", round + 1),
                .epochs = params_.epochs,
                .batch_size = params_.batch_size,
                .learning_rate = params_.learning_rate,
                .warm_up = 1,  // RMSProp's first steps are the largest
                .optimiser = {.kind = OptimiserKind::rmsprop},
                .trained = {&body().module()}};
    stage.before_epoch = [this, training, round](std::int64_t epoch) {
      if (epoch == 0) ask(training, round);
    };
    // Pairs of a cluster share an image: each is embedded once in a step.
    stage.items = {
        [this] { return answers_->answered(); },
        [this](const std::vector<std::int64_t>& items) { return answers_->images_of(items); }};
    stage.step = [this, training](Batch& batch) -> Losses {
      const auto embeddings = training.engine.forward(
          body().normalised(batch.images),
          [&](const torch::Tensor& images) { return body().forward(images); });
      const auto links = answers_->within(batch.items, batch.indices);
      const auto loss =
          contrastive_pair_loss(embeddings.index_select(0, links.first.to(embeddings.device())),
                                embeddings.index_select(0, links.second.to(embeddings.device())),
                                links.must.to(embeddings.device()), params_.margin);
      return {loss, {{"contrastive", loss}}};
    };
    return stage;
  }

  /// The clusters are drawn together.
  Stage clustering(const Training& training, std::int64_t round) {
    Stage stage{.name = fmt::format("cluster {}", round + 1),
                .epochs = params_.cluster_epochs,
                .batch_size = params_.cluster_batch_size,
                .learning_rate = params_.cluster_rate,
                .optimiser = {.kind = OptimiserKind::sgd},
                .clusters = training.clusters,
                .trained = {&body().module(), &head()}};
    const std::int64_t steps_an_epoch = training.engine.steps_per_epoch(stage);
    stage.before_epoch = [this, training](std::int64_t epoch) {
      if (epoch > 0) return;
      KMeans kmeans({.restarts = params_.restarts});
      kmeans.fit(outputs(training).codes, training.clusters,
                 {.seed = training.context.seed, .cancel = training.context.cancel});
      static_cast<CentreHead&>(head()).set(kmeans.centres());
      targets_->restart();
    };
    stage.finished = [this, steps_an_epoch](std::int64_t epoch, const auto&) {
      const bool renewed = (epoch + 1) * steps_an_epoch > params_.target_every;
      return renewed && targets_->changed() < params_.tolerance;
    };
    stage.step = [this, training, steps_an_epoch](Batch& batch) -> Losses {
      if ((batch.epoch * steps_an_epoch + batch.step) % params_.target_every == 0)
        targets_->update(outputs(training).probabilities);
      const auto embeddings = training.engine.forward(
          body().normalised(batch.images),
          [&](const torch::Tensor& images) { return body().forward(images); });
      const auto assigned = head().log_probabilities({embeddings, embeddings});
      const auto divergence = kl_divergence(targets_->of(batch.indices), assigned);
      return {divergence, {{"divergence", divergence}}, assigned.argmax(1)};
    };
    return stage;
  }

  std::shared_ptr<Answers> answers_;
  std::shared_ptr<SharpenedTargets> targets_;
};

}  // namespace

const Fields<AdcParams>& AdcParams::fields() {
  static const Fields<AdcParams> kFields = [] {
    Fields<AdcParams> fields;
    fields
        .choice<PairStrategy>(
            "strategy", &AdcParams::strategy,
            {{"active", PairStrategy::active},
             {"check", PairStrategy::check},
             {"uncertain", PairStrategy::uncertain},
             {"random", PairStrategy::random}},
            "which pairs are asked about: in each cluster the surest image with the least sure "
            "ones of a part of the images (active) or of all (check), the farthest pairs of a "
            "cluster, or any")
        .number<std::int64_t>("rounds", &AdcParams::rounds, between(1, 1000),
                              "times of asking and learning; parts of the images")
        .number<std::int64_t>("budget", &AdcParams::budget, between(0, 1e9),
                              "pairs asked about in a round; 0: a 25th of the images")
        .number<std::int64_t>("epochs", &AdcParams::epochs, between(1, 100000),
                              "passes over all answered pairs in a round")
        .number<std::int64_t>("batch_size", &AdcParams::batch_size, between(1, 65536),
                              "pairs in a step")
        .number<double>("learning_rate", &AdcParams::learning_rate,
                        Range{.low = 0, .high = 1, .low_open = true}, "step size of RMSProp there")
        .number<double>("margin", &AdcParams::margin, above(0),
                        "distance that images of two clusters are to have")
        .number<double>("alpha", &AdcParams::alpha, above(0),
                        "degrees of freedom of the assignment to centres")
        .number<std::int64_t>("cluster_batch_size", &AdcParams::cluster_batch_size,
                              between(2, 65536), "images in a step of drawing clusters together")
        .number<double>("cluster_rate", &AdcParams::cluster_rate,
                        Range{.low = 0, .high = 1, .low_open = true}, "step size of SGD there")
        .number<std::int64_t>("target_every", &AdcParams::target_every, between(1, 1e6),
                              "steps after which what images are drawn towards is renewed")
        .number<std::int64_t>("cluster_epochs", &AdcParams::cluster_epochs, between(1, 1e6),
                              "the most passes over the images for that in a round")
        .number<double>("tolerance", &AdcParams::tolerance, between(0, 1),
                        "share of labels changed between two renewals below which a round ends")
        .number<int>("restarts", &AdcParams::restarts, between(1, 1000),
                     "starts of the k-means that places the centres");
    add_siamese_fields(fields);
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_adc() {
  return std::make_unique<Adc>(MethodInfo{
      .name = "adc",
      .family = "active",
      .summary = "asks about the pairs of images that matter and learns from the answers",
      .paper = "Sun, Zhou, Du, Li: Active deep image clustering, 2022",
      .input = InputKind::images,
      .network = NetworkKind::siamese,
      .asks = true});
}

}  // namespace coterie
