#include "coterie/methods/dcsc/dcsc.h"

#include <algorithm>
#include <cmath>

#include "coterie/methods/cc/cc_step.h"
#include "coterie/methods/dcsc/dcsc_heads.h"
#include "coterie/methods/dcsc/dcsc_params.h"
#include "coterie/methods/head_method.h"
#include "coterie/methods/view_pairs.h"

namespace coterie {
namespace {

/// Normalised mutual information (arithmetic) of two labellings [B] of a batch, with numbers below
/// `first` and `second`, a scalar on their device; 1 where both are of one cluster.
torch::Tensor shared_information(const torch::Tensor& a, std::int64_t first, const torch::Tensor& b,
                                 std::int64_t second) {
  torch::NoGradGuard no_grad;
  const auto joint = torch::mm(torch::one_hot(a, first).t().to(torch::kFloat),
                               torch::one_hot(b, second).to(torch::kFloat)) /
                     static_cast<double>(a.size(0));
  const auto entropy = [](const torch::Tensor& p) { return -(p * p.clamp_min(1e-12).log()).sum(); };
  const auto apart = entropy(joint.sum(0)) + entropy(joint.sum(1));
  const auto shared = (2 * (apart - entropy(joint)) / apart.clamp_min(1e-12)).clamp(0, 1);
  return torch::where(apart.lt(1e-6), torch::ones_like(shared), shared);
}

class Dcsc : public HeadMethod<DcscParams, ImageEncoder> {
 public:
  explicit Dcsc(MethodInfo info) : HeadMethod(std::move(info)), without_head_(HeadMethod::info()) {
    without_head_.learns_corrections = false;
  }
  const MethodInfo& info() const override {
    return uses_kmeans() ? without_head_ : HeadMethod::info();
  }

 private:
  /// Whether the labels come from k-means, as in the paper where a head is gone.
  bool uses_kmeans() const { return !params_.cluster_loss || !params_.semantic_loss; }

  /// The paper's 70 for 10 to 20 clusters and 700 for 200.
  std::int64_t many(std::int64_t clusters) const {
    return params_.over_clusters > 0 ? params_.over_clusters
                                     : std::max<std::int64_t>(70, 7 * clusters / 2);
  }

  std::shared_ptr<ClusterHead> make_head(std::int64_t clusters,
                                         RandomStream& weights) const override {
    DcscHeadsShape shape{.contrast = {.features = body().width(),
                                      .projection = params_.projection,
                                      .clusters = clusters,
                                      .layers = params_.projector_layers,
                                      .hidden = params_.head_width,
                                      .batch_norm = params_.batch_norm},
                         .clusters = params_.cluster_loss,
                         .predictor = params_.predictor,
                         .projected = params_.feature_loss};
    if (uses_kmeans())
      shape.contrast.centres = params_.feature_loss ? params_.projection : body().width();
    const bool auxiliary = params_.over_clustering == OverClustering::auxiliary;
    if (params_.semantic_loss)
      shape.semantic =
          params_.over_clustering == OverClustering::semantic ? many(clusters) : clusters;
    if (auxiliary && params_.cluster_loss) shape.over = many(clusters);
    if (auxiliary && params_.semantic_loss) shape.over_semantic = many(clusters);
    return std::make_shared<DcscHeads>(shape, weights);
  }

  DcscHeads& heads() const { return static_cast<DcscHeads&>(head()); }

  /// What the heads make of both views of a batch; undefined what no loss looks at.
  struct Pass {
    torch::Tensor projected;            ///< [2B, projection]
    torch::Tensor clusters, over;       ///< [2B, K] and [2B, more]
    Semantics semantic, over_semantic;  ///< likewise
  };
  Pass pass(const Training& training, const torch::Tensor& images) const {
    Pass made;
    training.engine.forward(body().normalised(images), [&](const torch::Tensor& x) {
      const auto features = body().backbone()->forward(x);
      if (params_.feature_loss) made.projected = heads().project(features).to(torch::kFloat);
      if (params_.cluster_loss) made.clusters = heads().cluster_logits(features).softmax(1);
      if (heads().over) made.over = heads().over->forward(features).to(torch::kFloat).softmax(1);
      if (heads().semantic) made.semantic = heads().semantic->distributions(features);
      if (heads().over_semantic)
        made.over_semantic = heads().over_semantic->distributions(features);
      return features;
    });
    return made;
  }

  std::vector<Stage> stages(const Training& training) override {
    if (!params_.feature_loss && !params_.cluster_loss && !params_.semantic_loss)
      throw UserError(
          "feature_loss, cluster_loss and semantic_loss are all off: nothing would be trained");
    if (params_.over_clustering == OverClustering::semantic && !params_.semantic_loss)
      throw UserError(
          "over_clustering = semantic has no effect with semantic_loss = false: allowed is none or "
          "auxiliary");
    if (params_.over_clustering != OverClustering::none &&
        many(training.clusters) < training.clusters)
      throw UserError(
          "over_clusters = {} is less than the {} clusters: allowed is 0, or {} and more",
          params_.over_clusters, training.clusters, training.clusters);
    Stage stage = params_.stage("contrast");
    stage.clusters = params_.cluster_loss ? training.clusters : 0;
    stage.trained = {&body().module()};
    if (params_.feature_loss) stage.trained.push_back(heads().projector().get());
    if (params_.cluster_loss) stage.trained.push_back(heads().clusters().get());
    if (heads().over) stage.trained.push_back(heads().over.get());
    if (heads().semantic) stage.trained.push_back(heads().semantic.get());
    if (heads().over_semantic) stage.trained.push_back(heads().over_semantic.get());
    stage.step = [this, training, recipe = body().recipe()](Batch& batch) -> Losses {
      const auto images = torch::cat({batch.views("first", recipe), batch.views("second", recipe)});
      return losses(pass(training, images), training.engine.processes());
    };
    return {stage};
  }

  Losses losses(const Pass& made, const Processes& processes) const {
    Losses all;
    const auto add = [&](const char* name, const torch::Tensor& loss, double weight = 1) {
      all.parts.emplace_back(name, loss);
      all.total = all.total.defined() ? all.total + weight * loss : weight * loss;
    };
    if (params_.feature_loss)
      add("feature", info_nce(halves(made.projected), processes, params_.temperature));
    add_cluster_losses(made.clusters, "cluster", "imbalance", processes, add);
    add_semantic_loss(made.semantic, "semantic", processes, add);
    add_cluster_losses(made.over, "over_cluster", "over_imbalance", processes, add);
    add_semantic_loss(made.over_semantic, "over_semantic", processes, add);
    describe(made, processes, all);
    return all;
  }

  template <class Add>
  void add_cluster_losses(const torch::Tensor& assigned, const char* contrast, const char* skew,
                          const Processes& processes, const Add& add) const {
    if (!assigned.defined()) return;
    const CcClusterTerms terms = cc_cluster_terms(assigned, processes, params_.cluster_temperature);
    add(contrast, terms.contrast);
    add(skew, terms.skew, params_.balance);
  }

  template <class Add>
  void add_semantic_loss(const Semantics& made, const char* name, const Processes& processes,
                         const Add& add) const {
    if (!made.predicted.defined()) return;
    const ViewPair own = halves(made.predicted);
    const ViewPair all = gathered(
        halves(params_.stop_gradient ? made.projected.detach() : made.projected), processes);
    add(name, semantic_info_nce(own, all, processes.rank() * own.first.size(0),
                                params_.semantic_temperature, params_.similarity));
  }

  /// The state of the heads, for the record.
  void describe(const Pass& made, const Processes& processes, Losses& all) const {
    torch::NoGradGuard no_grad;
    const auto clusters = described_head(made.clusters, "", processes, all);
    const auto semantic = described_head(made.semantic.projected, "semantic_", processes, all);
    all.labels = clusters;
    if (!clusters.defined() || !semantic.defined()) return;
    all.parts.emplace_back(
        "head_agreement",
        shared_information(processes.gather(clusters), made.clusters.size(1),
                           processes.gather(semantic), made.semantic.projected.size(1)));
  }

  /// Records what a head made of both views, [2B, ..] or undefined, and returns its clusters [B] in
  /// the first.
  static torch::Tensor described_head(const torch::Tensor& assigned, const std::string& name,
                                      const Processes& processes, Losses& all) {
    if (!assigned.defined()) return {};
    const ViewPair views = halves(assigned.detach());
    const auto [surest, labels] = views.first.max(1);
    const auto most = std::log(static_cast<double>(views.first.size(1)));
    all.parts.emplace_back(name + "entropy", most - imbalance(processes.gather(views.first)));
    all.parts.emplace_back(name + "top_probability", surest.mean());
    all.parts.emplace_back(name + "view_agreement",
                           labels.eq(views.second.argmax(1)).to(torch::kFloat).mean());
    return labels;
  }

  void finish(const Training& training) override {
    if (!heads().nearest) return;
    head().eval();
    const FitContext silent = training.context.silent();
    heads().nearest->fit(
        body().embed(training.data, silent,
                     [this](const torch::Tensor& images) {
                       return heads().described(body().backbone()->forward(images));
                     }),
        silent);
  }

  MethodInfo without_head_;  // where k-means decides: nothing could learn corrections
};

}  // namespace

const Fields<DcscParams>& DcscParams::fields() {
  static const Fields<DcscParams> kFields = [] {
    Fields<DcscParams> fields;
    add_view_training_fields(fields);
    fields.flag("feature_loss", &DcscParams::feature_loss, "views of an image attract by features")
        .flag("cluster_loss", &DcscParams::cluster_loss,
              "clusters are apart, column by column; without it the labels come from k-means")
        .flag("semantic_loss", &DcscParams::semantic_loss,
              "views of an image attract by their distributions over clusters; without it the "
              "labels come from k-means, as in the paper")
        .number<double>("cluster_temperature", &DcscParams::cluster_temperature, between(0.01, 10),
                        "what cosines of clusters are divided by")
        .number<double>("semantic_temperature", &DcscParams::semantic_temperature,
                        between(0.01, 10), "what similarities of distributions are divided by")
        .number<double>("balance", &DcscParams::balance, between(-1000, 1000),
                        "weight of what keeps the clusters equally large; -1: eq. 3.6 as printed, "
                        "under which clusters merge")
        .choice<DistributionSimilarity>(
            "similarity", &DcscParams::similarity,
            {{"cosine", DistributionSimilarity::cosine},
             {"js", DistributionSimilarity::jensen_shannon},
             {"kl", DistributionSimilarity::kullback_leibler}},
            "of distributions: their cosine, or minus their Jensen-Shannon or Kullback-Leibler "
            "divergence")
        .flag("stop_gradient", &DcscParams::stop_gradient,
              "the semantic loss trains the branch with the predictor alone")
        .flag("predictor", &DcscParams::predictor,
              "one branch of the semantic head has a predictor more")
        .flag("batch_norm", &DcscParams::batch_norm, "the heads have batch norm")
        .choice<OverClustering>("over_clustering", &DcscParams::over_clustering,
                                {{"auxiliary", OverClustering::auxiliary},
                                 {"semantic", OverClustering::semantic},
                                 {"none", OverClustering::none}},
                                "what has more clusters than asked for: further heads with the "
                                "same losses, the semantic head, or nothing")
        .number<std::int64_t>(
            "over_clusters", &DcscParams::over_clusters, between(0, 65536),
            "clusters of the over-clustering head; 0: 70, or 3.5 times K where that is more");
    add_encoder_fields(fields);
    fields.only_with("feature_loss", {"true"}, {"temperature", "projection"})
        .only_with("cluster_loss", {"true"}, {"cluster_temperature", "balance"})
        .only_with("semantic_loss", {"true"},
                   {"semantic_temperature", "similarity", "stop_gradient", "predictor"})
        .only_with("over_clustering", {"auxiliary", "semantic"}, {"over_clusters"});
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_dcsc() {
  return std::make_unique<Dcsc>(
      MethodInfo{.name = "dcsc",
                 .family = "contrastive",
                 .summary = "cc with consistent distributions over clusters for each image",
                 .paper = "Zhang, Li, Hua, Dong, Lim: Improved deep clustering model based on "
                          "semantic consistency, 2022",
                 .input = InputKind::images,
                 .network = NetworkKind::backbone});
}

}  // namespace coterie
