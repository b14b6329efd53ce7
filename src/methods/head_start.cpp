#include "coterie/methods/head_start.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "coterie/methods/embedding_clusters.h"
#include "coterie/methods/image_labels.h"
#include "coterie/methods/shared_batch.h"

namespace coterie {
namespace {

constexpr double kHeadRate = 3e-3;

}  // namespace

std::vector<std::int32_t> start_clusters(HeadStart start, const Matrix<float>& codes,
                                         double variance, const FitContext& context) {
  EmbeddingClusterParams params;
  params.embedding = EmbeddingForm::whitened;
  params.variance = variance;
  params.cluster =
      start == HeadStart::kmeans ? EmbeddingClusterer::kmeans : EmbeddingClusterer::pac;
  const FitContext silent = context.silent();
  return numbered_by_appearance(EmbeddingClusters(params).fit(codes, silent).labels);
}

Stage head_start_stage(Stage stage, const TrainingData& data, Engine& engine, HeadStartWork work) {
  const auto labels = std::make_shared<ImageLabels>(data.count);
  labels->to(engine.context().device);
  engine.keep("start", *labels);
  // A few steps of large batches would leave the head undecided.
  const auto least = std::min<std::int64_t>(32, stage.batch_size);
  stage.batch_size = std::clamp(data.count / 20, least, stage.batch_size);
  stage.batch_size = shared_batch(stage.batch_size, engine.processes());
  stage.learning_rate = kHeadRate;
  stage.warm_up = 0;
  stage.before_epoch = [work, labels](std::int64_t epoch) {
    if (epoch == 0) labels->set(work.clusters());
  };
  stage.step = [work = std::move(work), labels](Batch& batch) -> Losses {
    const auto logits = work.logits(batch);
    const auto loss = torch::cross_entropy_loss(logits, labels->of(batch.indices));
    return {loss, {{"cross_entropy", loss}}, logits.argmax(1)};
  };
  return stage;
}

}  // namespace coterie
