// What the methods on an autoencoder do beyond what the conformance test sees.
#include <gtest/gtest.h>

#include <algorithm>

#include "coterie/methods/registry.h"
#include "coterie/metrics/scores.h"
#include "methods/three_kinds.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::ToyImages;
using testing::Warnings;

/// A method on 60 images of three kinds, and what it told while it trained.
struct FamilyTraining {
  explicit FamilyTraining(const std::string& name) : method(create_method(name)) {
    for (const auto& parameter : method->parameters())
      if (parameter.name.ends_with("batch_size")) method->set_parameter(parameter.name, "20");
    context.progress = &warnings;
    context.record = [this](const nlohmann::json& line) { history.push_back(line); };
  }
  FamilyTraining& set(const std::string& name, const std::string& value) {
    method->set_parameter(name, value);
    return *this;
  }
  Clustering run() { return method->fit(images.data, context); }
  std::int64_t epochs_of(const std::string& stage) const {
    return std::count_if(history.begin(), history.end(),
                         [&](const auto& line) { return line.at("stage") == stage; });
  }

  ToyImages images{60};
  Warnings warnings;
  FitContext context{.clusters = 3, .seed = 5};
  std::unique_ptr<Method> method;
  std::vector<nlohmann::json> history;
};

TEST(AeDac, WithoutPairsOfTwoClustersItCollapsesAndSaysSo) {
  FamilyTraining training("ae-dac");
  training.set("negatives", "false").set("start", "random").set("head_end", "plain");
  training.set("learning_rate", "0.001");
  training.set("pretrain_epochs", "2").set("epochs", "30");
  const Clustering found = training.run();
  EXPECT_EQ(std::count(found.labels.begin(), found.labels.end(), found.labels[0]), 60);
  ASSERT_EQ(training.warnings.said.size(), 1u);
  EXPECT_CONTAINS(training.warnings.said[0], "collapsed");
  EXPECT_TRUE(training.history.back().contains("collapse"));
  EXPECT_TRUE(training.method->statistics().contains("collapse"));
}

TEST(AeDac, EndsWhereItsThresholdsMeet) {
  FamilyTraining training("ae-dac");
  // 0.45 / 1.1 = 0.409 in steps of 0.11: from epoch 4 on they have met.
  training.set("rate", "0.1").set("epochs", "30").set("pretrain_epochs", "1");
  training.run();
  EXPECT_EQ(training.epochs_of("adapt"), 5);
}

/// The loss of the pairs in each epoch of a training whose labels come as `settings` say.
std::vector<double> pair_losses(const std::map<std::string, std::string>& settings) {
  FamilyTraining training("ae-dac");
  training.set("pretrain_epochs", "2").set("rate", "0.1");
  for (const auto& [name, value] : settings) training.set(name, value);
  training.run();
  std::vector<double> losses;
  for (const auto& line : training.history)
    if (line.at("stage") == "adapt") losses.push_back(line.at("losses").at("pairs"));
  return losses;
}

TEST(AeDac, PairsMayBeLabelledByAHeldOrAnAveragedNetwork) {
  const auto own = pair_losses({});
  // An average that keeps almost nothing of itself is the network in training.
  const auto nearly_own = pair_losses({{"label_momentum", "1e-9"}});
  ASSERT_EQ(own.size(), nearly_own.size());
  for (std::size_t i = 0; i < own.size(); ++i) EXPECT_NEAR(own[i], nearly_own[i], 1e-4) << i;
  EXPECT_NE(pair_losses({{"label_momentum", "0.9"}}), own);
  EXPECT_NE(pair_losses({{"label_steps", "3"}}), own);
}

TEST(AeOpa, EndsWhereItsDivergenceRises) {
  const auto epochs_with = [](const char* patience) {
    FamilyTraining training("ae-opa");
    // Small batches and long steps, in which the clusters come apart.
    training.set("pretrain_epochs", "1").set("epochs", "25").set("patience", patience);
    training.set("joint_batch_size", "6").set("learning_rate", "0.05");
    training.run();
    double lowest = 1e9;
    std::int64_t missed = 0, epoch = 0, ended = 25;
    for (const auto& line : training.history) {
      if (line.at("stage") != "aggregate") continue;
      ++epoch;
      const double divergence = line.at("losses").at("divergence");
      missed = divergence < lowest ? 0 : missed + 1;
      lowest = std::min(lowest, divergence);
      if (missed == 2) ended = std::min(ended, epoch);
    }
    return std::pair(training.epochs_of("aggregate"), ended);
  };
  const auto [trained, first_rise] = epochs_with("2");
  EXPECT_EQ(trained, first_rise);
  EXPECT_LT(trained, 25);
  EXPECT_EQ(epochs_with("0").first, 25);
}

TEST(Snapshots, ShowASampleAndLeaveTheTrainingAsItIs) {
  for (const char* name : {"ae", "ae-dac", "dec"}) {
    FamilyTraining plain(name);
    FamilyTraining watched(name);
    std::vector<std::string> seen;
    const ToyImages sample(7);
    watched.context.snapshots = {
        {2, 3},
        sample.data,
        [&](const std::string& stage, std::int64_t epoch, const Clustering& c) {
          seen.push_back(fmt::format("{} {}", stage, epoch));
          EXPECT_EQ(c.embeddings.rows(), 7);
          EXPECT_EQ(c.probabilities.rows(), stage == "reconstruction" ? 0 : 7);
        }};
    for (FamilyTraining* training : {&plain, &watched}) {
      training->set("epochs", "3");
      if (name != std::string("ae")) training->set("pretrain_epochs", "2");
    }
    EXPECT_EQ(plain.run().labels, watched.run().labels);
    EXPECT_EQ(plain.history.back().at("losses"), watched.history.back().at("losses")) << name;
    ASSERT_GE(seen.size(), 2u) << name;
    EXPECT_EQ(seen.front(), "reconstruction 2");
  }
}

TEST(Dac, FindsMostOfThreeKindsFromOneOfThreeSeeds) {
  double best = 0;
  for (const std::uint64_t seed : {1, 2, 3}) {
    FamilyTraining training("dac");
    training.set("augment", "false").set("epochs", "60");
    training.context.seed = seed;
    best = std::max(best, accuracy(training.run().labels, training.images.truth));
    EXPECT_EQ(training.epochs_of("reconstruction"), 0);
  }
  EXPECT_GT(best, 0.6);
}

TEST(Dec, EndsWhenTheLabelsStay) {
  FamilyTraining training("dec");
  training.set("epochs", "30").set("tolerance", "1");
  training.run();
  EXPECT_EQ(training.epochs_of("cluster"), 2);
}

TEST(Dec, NeedsTheNumberOfClusters) {
  FamilyTraining training("dec");
  training.context.clusters = 0;
  EXPECT_CONTAINS(testing::user_error_of([&] { training.run(); }),
                  "dec cannot find the number of clusters");
}

TEST(InitFrom, TakesTheAutoencoderOfAnotherRun) {
  TemporaryFolder folder;
  FamilyTraining first("ae");
  first.set("epochs", "3");
  first.run();
  write_safetensors(folder / "model.safetensors", first.method->save().tensors);
  for (const char* name : {"ae", "dec", "ae-opa"}) {
    FamilyTraining second(name);
    second.context.init_from = folder / "model.safetensors";
    second.set("epochs", "1");
    second.run();
    EXPECT_EQ(second.epochs_of("reconstruction"), 0) << name;
    if (second.method->info().name != "ae") continue;
    EXPECT_EQ(second.method->save().tensors.at("autoencoder/encoder.0.weight").bytes,
              first.method->save().tensors.at("autoencoder/encoder.0.weight").bytes);
  }
}

TEST(InitFrom, RefusesANetworkOfAnotherShape) {
  TemporaryFolder folder;
  FamilyTraining first("ae");
  first.set("epochs", "1").set("bottleneck", "8");
  first.run();
  write_safetensors(folder / "model.safetensors", first.method->save().tensors);
  FamilyTraining second("idec");
  second.context.init_from = folder / "model.safetensors";
  EXPECT_CONTAINS(testing::user_error_of([&] { second.run(); }),
                  "to_code.weight has shape [8, 256]");
}

}  // namespace
}  // namespace coterie
