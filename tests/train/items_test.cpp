#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "coterie/train/engine.h"
#include "testing.h"
#include "train/toy_training.h"

namespace coterie {
namespace {

using testing::state_of;
using testing::TemporaryFolder;
using testing::toy_stage;
using testing::ToyNetwork;
using testing::ToyPack;

/// Pairs of images, item i is (i, i + 1).
struct PairTraining {
  ToyPack pack{40};
  std::map<std::int64_t, int> seen;
  std::int64_t pairs = 11;

  Stage stage(ToyNetwork& network) {
    Stage made = toy_stage(network, 2, "pairs");
    made.batch_size = 4;
    made.items = {[this] { return pairs; },
                  [](const std::vector<std::int64_t>& items) {
                    std::vector<std::int64_t> images;
                    for (const std::int64_t item : items) {
                      images.push_back(item);
                      images.push_back(item + 1);
                    }
                    std::sort(images.begin(), images.end());
                    images.erase(std::unique(images.begin(), images.end()), images.end());
                    return images;
                  }};
    made.step = [this, step = made.step](Batch& batch) {
      for (const std::int64_t item : batch.items) {
        ++seen[item];
        EXPECT_TRUE(std::binary_search(batch.indices.begin(), batch.indices.end(), item));
        EXPECT_TRUE(std::binary_search(batch.indices.begin(), batch.indices.end(), item + 1));
      }
      EXPECT_EQ(batch.images.size(0), static_cast<std::int64_t>(batch.indices.size()));
      return step(batch);
    };
    return made;
  }
};

TEST(StageItems, AnEpochGoesOverEachOnce) {
  PairTraining training;
  Engine engine(training.pack.data, 8, {.seed = 6});
  ToyNetwork network;
  engine.keep("toy", *network);
  engine.run({training.stage(network)});
  ASSERT_EQ(training.seen.size(), 11u);
  for (const auto& [item, times] : training.seen) EXPECT_EQ(times, 2) << item;
}

TEST(StageItems, NoneAreAnEpochWithoutSteps) {
  PairTraining training;
  training.pairs = 0;
  Engine engine(training.pack.data, 8, {.seed = 6});
  ToyNetwork network;
  engine.keep("toy", *network);
  const auto before = state_of(network).clone();
  engine.run({training.stage(network)});
  EXPECT_TRUE(torch::equal(state_of(network), before));
}

TEST(StageItems, StoppedAndResumedIsTheSame) {
  const auto trained = [](const std::filesystem::path& checkpoints, int stop_at) {
    PairTraining training;
    CancelToken cancel;
    Engine engine(training.pack.data, 8,
                  {.seed = 6, .cancel = &cancel, .checkpoints = checkpoints});
    ToyNetwork network;
    engine.keep("toy", *network);
    Stage stage = training.stage(network);
    int steps = 0;
    stage.step = [&, step = stage.step](Batch& batch) {
      if (++steps == stop_at) cancel.cancel();
      return step(batch);
    };
    try {
      engine.run({stage});
    } catch (const Interrupted&) {
      EXPECT_EQ(steps, stop_at);
    }
    return state_of(network).clone();
  };
  TemporaryFolder folder;
  const auto whole = trained({}, 0);
  EXPECT_FALSE(torch::equal(trained(folder.path(), 2), whole));
  EXPECT_TRUE(torch::equal(trained(folder.path(), 0), whole));
}

}  // namespace
}  // namespace coterie
