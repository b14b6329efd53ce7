#include "coterie/train/engine.h"
#include "scenarios.h"
#include "train/toy_training.h"

namespace coterie::scenarios {
namespace {

/// A context for an engine in this process, which does not own `processes`.
TrainContext context_of(const Processes& processes) {
  TrainContext context{.seed = 1};
  context.processes = std::shared_ptr<const Processes>(&processes, [](const Processes*) {});
  return context;
}

struct Found : torch::nn::Module {
  torch::Tensor labels = register_buffer("labels", torch::zeros({4}, torch::kLong));
};

/// What processes have found before an epoch, each for itself, is what the first one found.
void found_before_an_epoch(const Processes& processes) {
  const testing::ToyPack pack(40);
  const auto found = std::make_shared<Found>();
  testing::ToyNetwork network;
  Engine engine(pack.data, 8, context_of(processes));
  engine.keep("toy", *network);
  engine.keep("found", *found);
  Stage stage = testing::toy_stage(network, 2);
  stage.before_epoch = [&](std::int64_t epoch) {
    found->labels.fill_(10 * (epoch + 1) + processes.rank());
  };
  std::vector<std::int64_t> seen;
  const auto step = stage.step;
  stage.step = [&](Batch& batch) {
    seen.push_back(found->labels[0].item<std::int64_t>());
    return step(batch);
  };
  engine.run({stage});
  require(seen.front() == 10 && seen.back() == 20, "labels of the first process");
}

void too_few_images(const Processes& processes) {
  const testing::ToyPack pack(3);
  testing::ToyNetwork network;
  Engine engine(pack.data, 8, context_of(processes));
  engine.keep("toy", *network);
  engine.run({testing::toy_stage(network, 1)});
}

}  // namespace

Scenarios of_engine() {
  return {{"found_before_an_epoch", found_before_an_epoch}, {"too_few_images", too_few_images}};
}

}  // namespace coterie::scenarios
