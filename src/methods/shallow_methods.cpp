#include "coterie/methods/shallow_methods.h"

#include "coterie/core/parallel.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/pac.h"

namespace coterie {
namespace {

nlohmann::json statistics_of(const Pac& pac) {
  const auto describe = [](const PacRun& run) -> nlohmann::json {
    return {{"objective", run.objective},
            {"sweeps", run.sweeps},
            {"updates", run.updates},
            {"converged", run.converged}};
  };
  auto restarts = nlohmann::json::array();
  for (const auto& restart : pac.restarts()) restarts.push_back(describe(restart));
  if (restarts.empty()) return nlohmann::json::object();
  nlohmann::json statistics = {{"objective", pac.objective()},
                               {"chosen_restart", pac.chosen_restart()},
                               {"restarts", restarts}};
  if (pac.full_run()) statistics["all_rows"] = describe(*pac.full_run());
  return statistics;
}

nlohmann::json statistics_of(const KMeans& kmeans) {
  auto restarts = nlohmann::json::array();
  for (const auto& restart : kmeans.restarts())
    restarts.push_back({{"inertia", restart.inertia},
                        {"iterations", restart.iterations},
                        {"converged", restart.converged},
                        {"repaired", restart.repaired}});
  if (restarts.empty()) return nlohmann::json::object();
  return {{"inertia", kmeans.restarts()[kmeans.chosen_restart()].inertia},
          {"chosen_restart", kmeans.chosen_restart()},
          {"restarts", restarts}};
}

/// An algorithm with `fit`, `predict`, `save` and `load` over feature rows, as a Method.
template <class Algorithm, class Params>
class ShallowMethod : public MethodWith<Params> {
 public:
  explicit ShallowMethod(MethodInfo info) : info_(std::move(info)) {}
  const MethodInfo& info() const override { return info_; }

  Clustering fit(const TrainingData& data, const FitContext& context) override {
    Matrix<float> storage;
    algorithm_ = Algorithm(this->params_);
    Clustering result{algorithm_.fit(feature_rows(data, storage), context.clusters,
                                     {context.seed, context.progress, context.cancel}),
                      {}};
    statistics_ = statistics_of(algorithm_);
    for (const auto& restart : statistics_["restarts"]) context.record(restart);
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

 private:
  MethodInfo info_;
  Algorithm algorithm_;
  nlohmann::json statistics_ = nlohmann::json::object();
};

}  // namespace

ConstFeatures feature_rows(const TrainingData& data, Matrix<float>& storage) {
  if (!data.has_images()) return data.features;
  storage = Matrix<float>(data.count, data.shape.pixels());
  parallel_for(data.count, 256, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t width = data.shape.pixels();
    for (std::int64_t i = begin * width; i < end * width; ++i)
      storage.data()[i] = static_cast<float>(data.pixels[i]) / 255.0f;
  });
  return storage;
}

std::unique_ptr<Method> make_pac() {
  return std::make_unique<ShallowMethod<Pac, PacParams>>(
      MethodInfo{.name = "pac",
                 .family = "shallow",
                 .summary = "probability aggregation: no centres; pulls towards equal sizes",
                 .paper = "Yan, Lu, Yan: Deep Probability Aggregation Clustering, 2024, sec. 3.3",
                 .input = InputKind::features});
}

std::unique_ptr<Method> make_kmeans() {
  return std::make_unique<ShallowMethod<KMeans, KMeansParams>>(
      MethodInfo{.name = "kmeans",
                 .family = "shallow",
                 .summary = "Lloyd's k-means from greedy k-means++ starts",
                 .paper = "Lloyd 1982; Arthur, Vassilvitskii: k-means++, 2007",
                 .input = InputKind::features});
}

}  // namespace coterie
