#include "coterie/methods/corrections_stage.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "coterie/loss/pairs.h"
#include "coterie/methods/image_labels.h"
#include "coterie/methods/kept_labels.h"
#include "coterie/methods/shared_batch.h"

namespace coterie {
namespace {

/// How long and how fast something learns. Small sets take more epochs, for `least_steps` in all.
struct Pace {
  std::int64_t epochs;
  std::int64_t least_steps;
  double learning_rate;
};
constexpr Pace kTrained{5, 200, 3e-4};
constexpr Pace kFreshNetwork{20, 400, 1e-3};
constexpr Pace kFreshHead{5, 200, 3e-3};  // alone, on a trained network
constexpr std::int64_t kBatch = 128;

/// The constraints that do not contradict each other, the earlier ones first.
std::vector<Constraint> consistent(const std::vector<Constraint>& constraints,
                                   std::int64_t images) {
  ConstraintGraph graph(images);
  for (const Constraint& constraint : constraints) graph.add(constraint);
  return graph.taken();
}

/// Constraints of a step: places in the images of both ends, the first ones of `images` rows.
struct DrawnPairs {
  std::vector<std::int64_t> rows;  ///< of the data set: all first ends, then all second ones
  torch::Tensor must;              ///< [P]
};

DrawnPairs draw(const std::vector<Constraint>& constraints, std::int64_t most,
                RandomStream& random) {
  const auto all = static_cast<std::int64_t>(constraints.size());
  const std::int64_t count = std::min(most, all);
  DrawnPairs drawn{std::vector<std::int64_t>(static_cast<std::size_t>(2 * count)), {}};
  std::vector<float> must;
  for (std::int64_t i = 0; i < count; ++i) {
    const Constraint& chosen =
        constraints[count == all ? i : static_cast<std::int64_t>(random.below(all))];
    drawn.rows[i] = chosen.a;
    drawn.rows[count + i] = chosen.b;
    must.push_back(chosen.link == Link::must ? 1.0f : 0.0f);
  }
  drawn.must = torch::tensor(must);
  return drawn;
}

}  // namespace

std::vector<Stage> correction_stages(const TrainingData& data, const Corrections& corrections,
                                     Engine& engine, const CorrectionWork& work) {
  const auto kept = std::make_shared<ImageLabels>(data.count);
  kept->to(engine.context().device);
  engine.keep("corrections", *kept);
  const auto constraints = std::make_shared<const std::vector<Constraint>>(
      consistent(corrections.constraints, data.count));

  const auto stage_of = [&](std::string name, const Pace& pace, bool head_alone) {
    Stage stage{.name = std::move(name),
                .batch_size = shared_batch(kBatch, engine.processes()),
                .even_batches = true,
                .learning_rate = pace.learning_rate,
                .schedule = LearningRate::cosine,
                .clusters = work.clusters,
                .trained = {work.head}};
    if (!head_alone) stage.trained.push_back(work.network);
    const std::int64_t steps = std::max<std::int64_t>(1, data.count / stage.batch_size);
    stage.epochs = std::max(pace.epochs, (pace.least_steps + steps - 1) / steps);
    stage.before_epoch = [work, kept, constraints, head_alone,
                          labels = corrections.labels](std::int64_t epoch) {
      if (epoch == 0) {
        ImageOutputs now;  // empty where the network has no clusters yet, or nobody asks for them
        if (!head_alone && !work.fresh_network && (labels.empty() || !constraints->empty()))
          now = work.outputs();
        kept->set(kept_labels(labels, now, *constraints));
      }
      if (head_alone) work.network->eval();
    };
    stage.step = [work, kept, constraints, head_alone, &engine](Batch& batch) -> Losses {
      const std::int64_t count = batch.images.size(0);
      const DrawnPairs pairs = draw(*constraints, count, batch.random);
      const auto images =
          pairs.rows.empty() ? batch.images : torch::cat({batch.images, engine.images(pairs.rows)});
      const auto all = work.log_probabilities(images, head_alone);
      const auto own = all.narrow(0, 0, count);
      const auto keep =
          torch::nll_loss(own, kept->of(batch.indices), {}, at::Reduction::Sum, kFree) / count;
      Losses losses{keep, {{"keep", keep}}, own.argmax(1)};
      if (pairs.rows.empty()) return losses;
      const auto ends = all.narrow(0, count, 2 * pairs.must.size(0)).chunk(2);
      const auto loss = constraint_loss(ends[0], ends[1], pairs.must.to(images.device()));
      losses.total = keep + loss;
      losses.parts.emplace_back("constraints", loss);
      return losses;
    };
    return stage;
  };
  std::vector<Stage> stages;
  if (work.fresh_head && !work.fresh_network)
    stages.push_back(stage_of("labels", kFreshHead, /*head_alone=*/true));
  stages.push_back(stage_of("corrections", work.fresh_network ? kFreshNetwork : kTrained,
                            /*head_alone=*/false));
  return stages;
}

}  // namespace coterie
