#include "coterie/methods/shallow_methods.h"

#include <algorithm>
#include <utility>

#include "coterie/core/memory.h"
#include "coterie/core/parallel.h"
#include "coterie/methods/shallow_statistics.h"
#include "coterie/shallow/agglomerative.h"
#include "coterie/shallow/cluster_count.h"
#include "coterie/shallow/finch.h"
#include "coterie/shallow/fuzzy_cmeans.h"
#include "coterie/shallow/gaussian_mixture.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/nmf.h"
#include "coterie/shallow/pac.h"
#include "coterie/shallow/pam.h"
#include "coterie/shallow/rcc.h"
#include "coterie/shallow/spectral.h"

namespace coterie {
namespace {

/// Whether the algorithm finds the number of clusters itself where it is given as 0; for the others
/// it is found by a sweep.
template <class Algorithm>
constexpr bool kFindsClusters = requires(const Algorithm& fitted) {
  cluster_count_json(fitted);
};

/// Copies of the rows that a fit holds at once.
template <class Algorithm>
constexpr double kCopiesOfRows = 0;
template <>
constexpr double kCopiesOfRows<Agglomerative> = 2;
template <>
constexpr double kCopiesOfRows<Finch> = 2;
template <>
constexpr double kCopiesOfRows<Spectral> = 2;
template <>
constexpr double kCopiesOfRows<Rcc> = 4;

/// Restarts of a method in the sweep over the number of clusters: enough to see the shape.
constexpr int kSweepRestarts = 2;

std::map<std::string, std::string> files_of(const Agglomerative& agglomerative) {
  if (agglomerative.merges().empty()) return {};
  return {{"dendrogram.csv", dendrogram_csv(agglomerative.merges())}};
}

/// Rows by levels, the finest first: `id,level_0,level_1,...`.
std::map<std::string, std::string> files_of(const Finch& finch) {
  const auto& levels = finch.levels();
  if (levels.empty()) return {};
  std::string text = "id";
  for (std::size_t level = 0; level < levels.size(); ++level)
    text += fmt::format(",level_{}", level);
  text += '\n';
  for (std::size_t i = 0; i < levels[0].labels.size(); ++i) {
    text += std::to_string(i);
    for (const FinchLevel& level : levels) text += fmt::format(",{}", level.labels[i]);
    text += '\n';
  }
  return {{"hierarchy.csv", std::move(text)}};
}

/// An algorithm with `fit`, `predict`, `save` and `load` over feature rows, as a Method.
template <class Algorithm, class Params>
class ShallowMethod : public MethodWith<Params> {
 public:
  explicit ShallowMethod(MethodInfo info) : info_(std::move(info)) {
    info_.family = "shallow";
    info_.input = InputKind::features;
    info_.finds_clusters = true;
  }
  const MethodInfo& info() const override { return info_; }

  Clustering fit(const TrainingData& data, const FitContext& context) override {
    Matrix<float> storage;
    const ConstFeatures rows = feature_rows(data, storage);
    const ShallowContext around{context.seed, context.progress, context.cancel};
    std::int64_t clusters = context.clusters;
    statistics_ = nlohmann::json::object();
    if (clusters == 0 && !kFindsClusters<Algorithm>) {
      const ClusterCountChoice choice = choose_clusters(rows, context.most_clusters, around);
      clusters = choice.clusters;
      statistics_["cluster_count"] = cluster_count_json(choice);
    }
    require_memory(4.0 * (kCopiesOfRows<Algorithm> * static_cast<double>(rows.size()) +
                          static_cast<double>(rows.rows) * static_cast<double>(clusters)),
                   fmt::format("{} of {} rows of {} values into {} clusters", info_.name, rows.rows,
                               rows.cols, clusters),
                   kCopiesOfRows<Algorithm> > 0
                       ? "give fewer rows, or take a method that reads them where they lie, such "
                         "as pac or kmeans"
                       : "give fewer rows or ask for fewer clusters");
    algorithm_ = Algorithm(this->params_);
    Clustering result{algorithm_.fit(rows, clusters, around), {}};
    if constexpr (kFindsClusters<Algorithm>) {
      if (clusters == 0) statistics_["cluster_count"] = cluster_count_json(algorithm_);
    }
    statistics_.update(statistics_of(algorithm_));
    if (const auto restarts = statistics_.find("restarts"); restarts != statistics_.end())
      for (const auto& restart : *restarts) context.record(restart);
    return result;
  }

  Clustering predict(const TrainingData& data, const FitContext&) const override {
    Matrix<float> storage;
    return {algorithm_.predict(feature_rows(data, storage)), {}};
  }

  StoredModel save() const override { return {algorithm_.save(), nlohmann::json::object()}; }
  void load(const StoredModel& model) override {
    algorithm_ = Algorithm(this->params_);
    algorithm_.load(model.tensors);
  }
  nlohmann::json statistics() const override { return statistics_; }
  std::map<std::string, std::string> files() const override {
    if constexpr (requires { files_of(algorithm_); }) return files_of(algorithm_);
    return {};
  }

 private:
  ClusterCountChoice choose_clusters(ConstFeatures rows, std::int64_t most,
                                     const ShallowContext& context) const {
    Params params = this->params_;
    if constexpr (requires { params.restarts; })
      params.restarts = std::min(params.restarts, kSweepRestarts);
    return choose_cluster_count(
        rows,
        [&](ConstFeatures part, std::int64_t clusters, std::uint64_t seed) {
          const ShallowContext around{.seed = seed, .cancel = context.cancel};
          return Algorithm(params).fit(part, clusters, around).labels;
        },
        {.most = most}, context);
  }

  MethodInfo info_;
  Algorithm algorithm_;
  nlohmann::json statistics_ = nlohmann::json::object();
};

}  // namespace

ConstFeatures feature_rows(const TrainingData& data, Matrix<float>& storage) {
  if (!data.has_images()) return data.features;
  const std::int64_t width = data.shape.pixels();
  require_memory(4.0 * static_cast<double>(data.count) * static_cast<double>(width),
                 fmt::format("the pixels of {} images as feature rows", data.count),
                 "give fewer images, or a smaller --image-size");
  storage = Matrix<float>(data.count, width);
  parallel_for(data.count, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin * width; i < end * width; ++i)
      storage.data()[i] = static_cast<float>(data.pixels[i]) / 255.0f;
  });
  return storage;
}

std::unique_ptr<Method> make_pac() {
  return std::make_unique<ShallowMethod<Pac, PacParams>>(
      MethodInfo{.name = "pac",
                 .summary = "probability aggregation: no centres; pulls towards equal sizes",
                 .paper = "Yan, Lu, Yan: Deep Probability Aggregation Clustering, 2024, sec. 3.3"});
}

std::unique_ptr<Method> make_kmeans() {
  return std::make_unique<ShallowMethod<KMeans, KMeansParams>>(
      MethodInfo{.name = "kmeans",
                 .summary = "k-means from k-means++ starts; spherical and mini-batch variants",
                 .paper = "Lloyd 1982; Arthur, Vassilvitskii: k-means++, 2007; Hamerly 2010"});
}

std::unique_ptr<Method> make_fuzzy_cmeans() {
  return std::make_unique<ShallowMethod<FuzzyCMeans, FuzzyCMeansParams>>(
      MethodInfo{.name = "fcm",
                 .summary = "fuzzy c-means: k-means with graded memberships",
                 .paper = "Bezdek, Ehrlich, Full: FCM, the fuzzy c-means algorithm, 1984"});
}

std::unique_ptr<Method> make_pam() {
  return std::make_unique<ShallowMethod<Pam, PamParams>>(
      MethodInfo{.name = "pam",
                 .summary = "k-medoids: centres are rows of the data; sampled above 20,000 rows",
                 .paper = "Schubert, Rousseeuw: Fast and eager k-medoids clustering, 2021"});
}

std::unique_ptr<Method> make_spectral() {
  return std::make_unique<ShallowMethod<Spectral, SpectralParams>>(
      MethodInfo{.name = "spectral",
                 .summary = "cuts the graph of nearest neighbours; clusters of any shape",
                 .paper = "Ng, Jordan, Weiss: On Spectral Clustering, 2002"});
}

std::unique_ptr<Method> make_agglomerative() {
  return std::make_unique<ShallowMethod<Agglomerative, AgglomerativeParams>>(
      MethodInfo{.name = "agglomerative",
                 .summary = "merges the nearest clusters; writes the dendrogram",
                 .paper = "Ward 1963; Murtagh 1983; Muellner 2011"});
}

std::unique_ptr<Method> make_nmf() {
  return std::make_unique<ShallowMethod<Nmf, NmfParams>>(
      MethodInfo{.name = "nmf",
                 .summary = "rows as sums of non-negative parts; with a graph on request",
                 .paper = "Cichocki, Phan 2009; Cai, He, Han, Huang: GNMF, 2011"});
}

std::unique_ptr<Method> make_rcc() {
  return std::make_unique<ShallowMethod<Rcc, RccParams>>(
      MethodInfo{.name = "rcc",
                 .summary = "robust continuous clustering; finds the number of clusters",
                 .paper = "Shah, Koltun: Robust continuous clustering, 2017"});
}

std::unique_ptr<Method> make_finch() {
  return std::make_unique<ShallowMethod<Finch, FinchParams>>(
      MethodInfo{.name = "finch",
                 .summary = "first neighbours, a whole hierarchy; finds the number of clusters",
                 .paper = "Sarfraz, Sharma, Stiefelhagen: FINCH, 2019"});
}

std::unique_ptr<Method> make_gaussian_mixture() {
  return std::make_unique<ShallowMethod<GaussianMixture, GaussianMixtureParams>>(
      MethodInfo{.name = "gmm",
                 .summary = "mixture of Gaussians, diagonal or full covariances",
                 .paper = "Dempster, Laird, Rubin: EM, 1977"});
}

}  // namespace coterie
