#include "coterie/train/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>
#include <set>
#include <thread>
#include <tuple>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/train/cluster_watch.h"
#include "processes.h"
#include "testing.h"
#include "train/small_files.h"
#include "train/toy_training.h"

namespace coterie {
namespace {

using testing::SmallFiles;
using testing::state_of;
using testing::TemporaryFolder;
using testing::toy_stage;
using testing::ToyNetwork;
using testing::ToyPack;
using testing::user_error_of;
using testing::Warnings;

struct Crash {};

/// Trains a fresh network for two stages, 3 and 2 epochs of 5 steps, and returns its state.
struct Training {
  ToyPack pack{40};
  TrainContext context{.seed = 6, .checkpoint_seconds = 0, .identity = {{"rate", 0.01}}};
  std::vector<nlohmann::json> history;

  torch::Tensor run() {
    auto record = context.record;
    TrainContext around = context;
    around.record = [&](const nlohmann::json& line) {
      history.push_back(line);
      record(line);
    };
    Engine engine(pack.data, 8, around);
    ToyNetwork network;
    engine.keep("toy", *network);
    engine.run({toy_stage(network, 3, "first"), toy_stage(network, 2, "second")});
    return state_of(network);
  }
};

/// Counts steps by their progress and cancels after one of them.
class CancelAt : public Progress {
 public:
  CancelAt(int step, CancelToken& token) : left_(step), token_(token) {}
  void update(std::int64_t, std::string_view) override {
    if (--left_ == 0) token_.cancel();
  }

 private:
  int left_;
  CancelToken& token_;
};

TEST(Engine, SameSeedSameBitsAnotherSeedOthers) {
  Training a, b, c;
  c.context.seed = 7;
  const auto first = a.run();
  EXPECT_TRUE(torch::equal(first, b.run()));
  EXPECT_FALSE(torch::equal(first, c.run()));
}

TEST(Engine, TheLossFalls) {
  Training training;
  training.run();
  EXPECT_LT(training.history[2]["losses"]["press"].get<double>(),
            training.history[0]["losses"]["press"].get<double>());
}

TEST(Engine, RecordsEveryEpochOfEveryStage) {
  Training training;
  training.run();
  ASSERT_EQ(training.history.size(), 5u);
  EXPECT_EQ(training.history[1]["stage"], "first");
  EXPECT_EQ(training.history[1]["epoch"], 2);
  EXPECT_EQ(training.history[4]["stage"], "second");
  EXPECT_EQ(training.history[4]["epoch"], 2);
  for (const auto& line : training.history) {
    EXPECT_GT(line["seconds"].get<double>(), 0);
    EXPECT_NEAR(line["images_per_second"].get<double>() * line["seconds"].get<double>(), 40, 1e-6);
    const auto& losses = line["losses"];
    EXPECT_EQ(losses.size(), 3u);
    EXPECT_NEAR(losses["total"].get<double>(),
                losses["press"].get<double>() + 0.1 * losses["spread"].get<double>(), 1e-5);
  }
}

TEST(Engine, EveryImageComesOnceAnEpochInANewOrder) {
  ToyPack pack(41);  // One more than five batches of eight: batch norm cannot take the last.
  ToyNetwork network;
  std::vector<std::vector<std::int64_t>> orders(2);
  Stage stage = toy_stage(network, 2);
  stage.step = [&, inner = stage.step](Batch& batch) {
    auto& order = orders[batch.epoch];
    order.insert(order.end(), batch.indices.begin(), batch.indices.end());
    return inner(batch);
  };
  Engine(pack.data, 8, {.seed = 1}).run({stage});
  for (const auto& order : orders) {
    EXPECT_EQ(order.size(), 40u);
    EXPECT_EQ(std::set(order.begin(), order.end()).size(), 40u);
  }
  EXPECT_NE(orders[0], orders[1]);
}

TEST(Engine, ResumedAfterCancelEqualsUninterruptedBitForBit) {
  Training whole;
  const auto expected = whole.run();
  // In the middle of an epoch, at the end of one, at the end of a stage, at the very end.
  for (const int step : {1, 8, 10, 15, 17, 25}) {
    TemporaryFolder folder;
    CancelToken token;
    CancelAt progress(step, token);
    Training stopped;
    stopped.context.checkpoints = folder / "checkpoints";
    stopped.context.cancel = &token;
    stopped.context.progress = &progress;
    EXPECT_THROW(stopped.run(), Interrupted) << step;
    Training resumed;
    resumed.context.checkpoints = folder / "checkpoints";
    EXPECT_TRUE(torch::equal(resumed.run(), expected)) << step;
    // What both recorded is the whole history, epoch for epoch.
    auto lines = stopped.history;
    lines.insert(lines.end(), resumed.history.begin(), resumed.history.end());
    ASSERT_EQ(lines.size(), whole.history.size()) << step;
    for (std::size_t i = 0; i < lines.size(); ++i)
      EXPECT_EQ(lines[i]["losses"], whole.history[i]["losses"]) << step;
  }
}

void crash_in_the_second_stage(const std::filesystem::path& checkpoints) {
  Training crashed;
  crashed.context.checkpoints = checkpoints;
  crashed.context.record = [&](const nlohmann::json& line) {
    if (line["stage"] == "second") throw Crash();
  };
  EXPECT_THROW(crashed.run(), Crash);
}

TEST(Engine, ResumedAfterACrashEqualsUninterruptedBitForBit) {
  const auto expected = Training().run();
  TemporaryFolder folder;
  crash_in_the_second_stage(folder / "checkpoints");
  Training resumed;
  resumed.context.checkpoints = folder / "checkpoints";
  EXPECT_TRUE(torch::equal(resumed.run(), expected));
}

/// Stops a training in the middle of an epoch, changes its checkpoint, resumes, and returns the
/// state.
torch::Tensor resumed_after(const std::function<void(Checkpoint&)>& change) {
  TemporaryFolder folder;
  CancelToken token;
  CancelAt progress(8, token);
  Training stopped;
  stopped.context.checkpoints = folder / "checkpoints";
  stopped.context.cancel = &token;
  stopped.context.progress = &progress;
  EXPECT_THROW(stopped.run(), Interrupted);
  CheckpointStore store(folder / "checkpoints");
  Checkpoint checkpoint = *store.newest();
  change(checkpoint);
  store.write(checkpoint);
  Training resumed;
  resumed.context.checkpoints = folder / "checkpoints";
  return resumed.run();
}

TEST(Engine, EachPartOfACheckpointIsNeededForEqualBits) {
  const auto expected = Training().run();
  const auto zero = [](Tensor& tensor) {
    std::fill(tensor.bytes.begin(), tensor.bytes.end(), std::byte{0});
  };
  EXPECT_TRUE(torch::equal(resumed_after([](Checkpoint&) {}), expected));
  for (const char* name : {"optimiser/first", "optimiser/second", "optimiser/steps",
                           "toy/body.1.running_mean", "toy/body.5.bias"})
    EXPECT_FALSE(
        torch::equal(resumed_after([&](Checkpoint& c) { zero(c.tensors.at(name)); }), expected))
        << name;
  EXPECT_FALSE(
      torch::equal(resumed_after([](Checkpoint& c) { c.tensors.erase("random/cpu"); }), expected));
  EXPECT_FALSE(torch::equal(resumed_after([](Checkpoint& c) { c.state["step"] = 0; }), expected));
  EXPECT_FALSE(torch::equal(resumed_after([](Checkpoint& c) { c.state["epoch"] = 0; }), expected));
}

TEST(Engine, ATornCheckpointIsToldAndTheOneBeforeServes) {
  const auto expected = Training().run();
  TemporaryFolder folder;
  crash_in_the_second_stage(folder / "checkpoints");
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "checkpoints"))
    newest = std::max(newest, entry.path());
  std::filesystem::resize_file(newest / "state.safetensors", 100);
  Warnings warnings;
  Training resumed;
  resumed.context.checkpoints = folder / "checkpoints";
  resumed.context.progress = &warnings;
  EXPECT_TRUE(torch::equal(resumed.run(), expected));
  EXPECT_CONTAINS(warnings.all(), newest.filename().string());
  EXPECT_CONTAINS(warnings.all(), "is passed over: its state.safetensors has 100 bytes");
  EXPECT_EQ(resumed.history.front()["stage"], "first");  // The torn one was of its end.
}

TEST(Engine, AFullDiskIsToldAndTheTrainingGoesOn) {
  const auto expected = Training().run();
  TemporaryFolder folder;
  Warnings warnings;
  Training training;
  training.context.checkpoints = folder / "checkpoints";
  training.context.progress = &warnings;
  {
    const SmallFiles full(1000);
    EXPECT_TRUE(torch::equal(training.run(), expected));
  }
  EXPECT_CONTAINS(warnings.all(), "no checkpoint could be written");
  EXPECT_FALSE(CheckpointStore(folder / "checkpoints").newest().has_value());
}

TEST(Engine, RefusesACheckpointOfAnotherTraining) {
  TemporaryFolder folder;
  Training first;
  first.context.checkpoints = folder / "checkpoints";
  first.run();
  Training second;
  second.context.checkpoints = folder / "checkpoints";
  second.context.identity = {{"rate", 0.02}};
  EXPECT_CONTAINS(user_error_of([&] { second.run(); }), "rate was 0.01, now it is 0.02");
}

TEST(Engine, AFinishedTrainingIsNotTrainedAgain) {
  TemporaryFolder folder;
  Training first;
  first.context.checkpoints = folder / "checkpoints";
  const auto expected = first.run();
  Training second;
  second.context.checkpoints = folder / "checkpoints";
  EXPECT_TRUE(torch::equal(second.run(), expected));
  EXPECT_TRUE(second.history.empty());
}

TEST(Engine, ALossThatIsNoNumberStopsAndLeavesTheLastCheckpointSound) {
  TemporaryFolder folder;
  ToyPack pack(40);
  const auto train = [&](bool spoil) {
    ToyNetwork network;
    Stage stage = toy_stage(network, 4);
    stage.step = [&, inner = stage.step](Batch& batch) {
      Losses losses = inner(batch);
      if (spoil && batch.epoch == 2 && batch.step == 3) losses.parts[1].second *= std::nan("");
      return losses;
    };
    Engine engine(pack.data, 8,
                  {.seed = 6, .checkpoints = folder / "checkpoints", .checkpoint_seconds = 0});
    engine.keep("toy", *network);
    engine.run({stage});
    return state_of(network);
  };
  const std::string message = user_error_of([&] { train(true); });
  EXPECT_CONTAINS(message, "the loss 'spread' became nan in stage 'press', epoch 3, step 4");
  EXPECT_CONTAINS(message, "learning rate (now 0.01)");
  const auto newest = CheckpointStore(folder / "checkpoints").newest();
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->state["epoch"], 2);
  EXPECT_TRUE(torch::isfinite(train(false)).all().item<bool>());
}

TEST(Engine, AWeightThatIsNoNumberIsNeverStored) {
  TemporaryFolder folder;
  ToyPack pack(40);
  ToyNetwork network;
  Stage stage = toy_stage(network, 3);
  stage.step = [&, inner = stage.step](Batch& batch) {
    Losses losses = inner(batch);
    // The last step of epoch 2: a finite loss with an infinite slope.
    if (batch.epoch == 1 && batch.step == 4)
      losses.total = losses.total + (network->parameters()[0].sum() * 0).sqrt();
    return losses;
  };
  Engine engine(pack.data, 8,
                {.seed = 6, .checkpoints = folder / "checkpoints", .checkpoint_seconds = 0});
  engine.keep("toy", *network);
  EXPECT_CONTAINS(user_error_of([&] { engine.run({stage}); }),
                  "a weight became infinite or no number in stage 'press'");
  EXPECT_EQ(CheckpointStore(folder / "checkpoints").newest()->state["epoch"], 1);
}

TEST(Engine, ATimeBudgetCutsTheEpochsButNotBelowOne) {
  ToyPack pack(400);
  for (const double budget : {1e-9, 3600.0}) {
    ToyNetwork network;
    int epochs = 0;
    Warnings warnings;
    TrainContext context{.seed = 1, .progress = &warnings, .time_budget = budget};
    context.record = [&](const nlohmann::json&) { ++epochs; };
    Engine(pack.data, 8, context).run({toy_stage(network, 2)});
    EXPECT_EQ(epochs, budget < 1 ? 1 : 2);
    ASSERT_EQ(warnings.said.size(), budget < 1 ? 1u : 0u);
    if (budget < 1) {
      EXPECT_CONTAINS(warnings.said[0], "1 of 2 in stage '");
    }
  }
}

TEST(Engine, ATimeBudgetIsKeptAboutRight) {
  ToyPack pack(400);
  ToyNetwork network;
  int epochs = 0;
  TrainContext context{.seed = 1, .time_budget = 1.0};
  context.record = [&](const nlohmann::json&) { ++epochs; };
  const auto start = std::chrono::steady_clock::now();
  Engine(pack.data, 8, context).run({toy_stage(network, 100000)});
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(epochs, 100000);
  EXPECT_GT(seconds, 0.1);
  EXPECT_LT(seconds, 10);
}

TEST(Engine, ATimeBudgetHoldsForWhatIsDoneBeforeEpochsToo) {
  ToyPack pack(64);
  ToyNetwork network;
  int epochs = 0;
  Warnings warnings;
  TrainContext context{.seed = 1, .progress = &warnings, .time_budget = 2.0};
  context.record = [&](const nlohmann::json&) { ++epochs; };
  Stage stage = toy_stage(network, 1000);
  stage.before_epoch = [](std::int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  };
  Engine(pack.data, 8, context).run({stage});
  // By the steps alone, of which an epoch has eight, there would be hundreds.
  EXPECT_GE(epochs, 2);
  EXPECT_LT(epochs, 20);
  EXPECT_CONTAINS(warnings.all(), "epochs that the time budget allows");
}

TEST(Engine, AResumedTrainingHasWhatIsLeftOfItsTimeBudget) {
  TemporaryFolder folder;
  ToyPack pack(64);
  int epochs = 0;
  const auto train = [&](const CancelToken* cancel) {
    ToyNetwork network;
    TrainContext context{.seed = 1,
                         .cancel = cancel,
                         .checkpoints = folder / "checkpoints",
                         .checkpoint_seconds = 0,
                         .time_budget = 1.0};
    context.record = [&](const nlohmann::json&) { ++epochs; };
    Stage stage = toy_stage(network, 100000);
    stage.before_epoch = [](std::int64_t epoch) {
      if (epoch == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    };
    Engine engine(pack.data, 8, context);
    engine.keep("toy", *network);
    engine.run({stage});
  };
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(train(&cancel), Interrupted);  // after a step, with the budget used up
  train(nullptr);
  EXPECT_LT(epochs, 10);
}

TEST(Engine, WhatAStageTrainedSettlesItsBatchNormsAtTheEnd) {
  ToyPack pack(40);
  ToyNetwork first, second;
  const auto mean_of = [](const ToyNetwork& network) {
    return network->named_buffers()["body.1.running_mean"].clone();
  };
  torch::Tensor first_after;
  Stage one = toy_stage(first, 2, "one"), two = toy_stage(second, 1, "two");
  two.before_epoch = [&](std::int64_t) { first_after = mean_of(first); };
  Engine engine(pack.data, 8, {.seed = 1});
  engine.settle_batch_norms({first.get(), second.get()}, [&](const torch::Tensor& images) {
    first->forward(images);
    second->forward(images);
  });
  engine.run({one, two});
  // Of all images, as the trained convolution sees them.
  const auto expected = [&](const ToyNetwork& network) {
    torch::NoGradGuard no_grad;
    std::vector<std::int64_t> rows(40);
    std::iota(rows.begin(), rows.end(), 0);
    const auto parameters = network->named_parameters();
    return torch::conv2d(engine.images(rows), parameters["body.0.weight"],
                         parameters["body.0.bias"])
        .mean({0, 2, 3});
  };
  EXPECT_TRUE(torch::allclose(first_after, expected(first), 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(mean_of(second), expected(second), 1e-4, 1e-5));
  EXPECT_TRUE(torch::equal(mean_of(first), first_after));  // stage two did not train it
}

TEST(Engine, ClustersAreCountedAndACollapseIsToldOnceAndRecorded) {
  Warnings warnings;
  ToyPack pack(40);
  ToyNetwork network;
  std::vector<nlohmann::json> history;
  Stage stage = toy_stage(network, 3);
  stage.clusters = 3;
  stage.step = [&, inner = stage.step](Batch& batch) {
    Losses losses = inner(batch);
    // Epoch 1: by index; afterwards all in cluster 1.
    auto labels = torch::ones({static_cast<std::int64_t>(batch.indices.size())}, torch::kLong);
    for (std::size_t i = 0; batch.epoch == 0 && i < batch.indices.size(); ++i)
      labels[i] = batch.indices[i] % 3;
    losses.labels = labels;
    return losses;
  };
  TrainContext context{.seed = 1, .progress = &warnings};
  context.record = [&](const nlohmann::json& line) { history.push_back(line); };
  Engine(pack.data, 8, context).run({stage});
  EXPECT_EQ(history[0]["cluster_sizes"], (std::vector<int>{14, 13, 13}));
  EXPECT_FALSE(history[0].contains("collapse"));
  EXPECT_EQ(history[1]["cluster_sizes"], (std::vector<int>{0, 40, 0}));
  EXPECT_EQ(history[1]["collapse"], "one cluster holds 100 % of the images");
  EXPECT_TRUE(history[2].contains("collapse"));
  ASSERT_EQ(warnings.said.size(), 1u);
  EXPECT_CONTAINS(warnings.said[0], "epoch 2: one cluster holds 100 %");
}

TEST(Engine, CollapseIsSaidOfEmptyHugeAndVeryUnequalClusters) {
  EXPECT_EQ(collapse_of({}), "");
  EXPECT_EQ(collapse_of({0, 0}), "");
  EXPECT_EQ(collapse_of({80, 20}), "");
  EXPECT_EQ(collapse_of({95, 5}), "one cluster holds 95 % of the images");
  EXPECT_EQ(collapse_of({40, 0, 60, 0}), "2 of 4 clusters hold no image");
  // Sizes that fall like 1 / k are no collapse.
  EXPECT_EQ(collapse_of({60, 30, 20, 15, 12, 10, 9, 8, 7, 6}), "");
  // Shares of .7, .22 and eight times .01 have the entropy .2497 + .3331 + 8 x .0461 = .9512.
  EXPECT_EQ(collapse_of({70, 22, 1, 1, 1, 1, 1, 1, 1, 1}),
            "10 clusters are as unequal as if there were 2.6");
}

TEST(Engine, TheLearningRateRisesThenFalls) {
  ToyPack pack(40);
  ToyNetwork network;
  std::vector<double> rates;
  Stage stage = toy_stage(network, 5);
  stage.warm_up = 2;
  TrainContext context{.seed = 1};
  context.record = [&](const nlohmann::json& line) { rates.push_back(line["learning_rate"]); };
  Engine(pack.data, 8, context).run({stage});
  // That of the fifth step of an epoch: it rises to the height after ten, then half a cosine falls
  // over 15.
  const auto falling = [](int step) {
    return 0.01 * (1 + std::cos(std::numbers::pi * step / 15)) / 2;
  };
  EXPECT_NEAR(rates[0], 0.01 * 5 / 11, 1e-12);
  EXPECT_NEAR(rates[1], 0.01 * 10 / 11, 1e-12);
  EXPECT_NEAR(rates[2], falling(4), 1e-12);
  EXPECT_NEAR(rates[3], falling(9), 1e-12);
  EXPECT_NEAR(rates[4], falling(14), 1e-12);
}

TEST(Engine, WhatComesBeforeAnEpochIsNotCalledAgainAfterAResume) {
  TemporaryFolder folder;
  std::string order;
  for (const int stop_at : {8, 0}) {  // within epoch 1, then not at all
    ToyPack pack(40);
    ToyNetwork network;
    CancelToken token;
    CancelAt progress(stop_at, token);
    Stage stage = toy_stage(network, 3);
    stage.before_epoch = [&](std::int64_t epoch) { order += fmt::format("<{}", epoch); };
    stage.finished = [&](std::int64_t epoch, const auto&) {
      order += fmt::format("{}>", epoch);
      return false;
    };
    Engine engine(pack.data, 8,
                  {.seed = 1,
                   .progress = &progress,
                   .cancel = &token,
                   .checkpoints = folder / "checkpoints"});
    engine.keep("toy", *network);
    try {
      engine.run({stage});
    } catch (const Interrupted&) {
      order += "|";
    }
  }
  EXPECT_EQ(order, "<00><1|1><22>");
}

TEST(Engine, WhatIsFoundBeforeAnEpochIsThatOfTheFirstProcess) {
  testing::expect_scenario("found_before_an_epoch", 2);
}

TEST(Engine, RefusesMoreProcessesThanThereAreImagesFor) {
  for (const testing::Ended& ended : testing::Workers(2, 20).run("too_few_images")) {
    EXPECT_EQ(ended.code, 2);
    EXPECT_CONTAINS(ended.err, "3 images are too few for 2 processes");
  }
}

TEST(Engine, AStageEndsEarlyWhereItSaysSo) {
  ToyPack pack(40);
  ToyNetwork network;
  std::vector<std::string> epochs;
  Stage first = toy_stage(network, 5, "first"), second = toy_stage(network, 2, "second");
  first.finished = [](std::int64_t epoch, const auto& losses) {
    EXPECT_GT(losses.at("total"), 0);
    return epoch == 2;
  };
  TrainContext context{.seed = 1};
  context.record = [&](const nlohmann::json& line) { epochs.push_back(line["stage"]); };
  Engine(pack.data, 8, context).run({first, second});
  EXPECT_EQ(epochs, (std::vector<std::string>{"first", "first", "first", "second", "second"}));
}

TEST(Engine, ResumesBetweenStagesOfDifferentNumbersOfClusters) {
  const ToyPack pack(16);
  const TemporaryFolder folder;
  const auto run = [&](const CancelToken* cancel, int stop, CancelToken* to_cancel) {
    ToyNetwork network;
    std::vector<Stage> stages;
    for (const std::int64_t clusters : {0, 2, 3}) {
      Stage stage = toy_stage(network, 1, fmt::format("{} clusters", clusters));
      stage.clusters = clusters;
      stage.step = [clusters, step = stage.step](Batch& batch) {
        Losses losses = step(batch);
        if (clusters > 0) losses.labels = torch::arange(batch.images.size(0)).remainder(clusters);
        return losses;
      };
      stages.push_back(stage);
    }
    int records = 0;
    TrainContext context{.cancel = cancel, .checkpoints = folder / "checkpoints"};
    context.record = [&](const nlohmann::json&) {
      if (++records == stop) to_cancel->cancel();
    };
    Engine engine(pack.data, 8, context);
    engine.keep("toy", *network);
    engine.run(stages);
    return records;
  };
  for (int stop = 1; stop <= 2; ++stop) {
    CancelToken cancel;
    EXPECT_THROW(run(&cancel, 1, &cancel), Interrupted);
  }
  EXPECT_EQ(run(nullptr, 0, nullptr), 1);
}

TEST(Engine, EvenBatchesAreAsGoodAsEquallyLargeAndHoldEveryImageOnce) {
  for (const auto& [count, size, expected] :
       {std::tuple<std::int64_t, std::int64_t, std::vector<std::int64_t>>{20, 8, {6, 7, 7}},
        {5, 2, {2, 3}},
        {3, 8, {3}},
        {16, 8, {8, 8}}}) {
    const ToyPack pack(count);
    ToyNetwork network;
    Stage stage = toy_stage(network, 1);
    stage.batch_size = size;
    stage.even_batches = true;
    std::vector<std::int64_t> sizes, seen;
    stage.step = [&, step = stage.step](Batch& batch) {
      sizes.push_back(batch.images.size(0));
      seen.insert(seen.end(), batch.indices.begin(), batch.indices.end());
      return step(batch);
    };
    Engine engine(pack.data, 8, {});
    engine.run({stage});
    EXPECT_EQ(sizes, expected);
    std::sort(seen.begin(), seen.end());
    for (std::int64_t i = 0; i < count; ++i) EXPECT_EQ(seen.at(i), i);
  }
}

}  // namespace
}  // namespace coterie
