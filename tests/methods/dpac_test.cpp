// What dpac does beyond what the conformance test sees.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "coterie/methods/registry.h"
#include "coterie/metrics/scores.h"
#include "methods/three_kinds.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::ToyImages;
using testing::user_error_of;
using testing::Warnings;
using DpacOptions = std::map<std::string, std::string>;

/// dpac, or another method on a backbone, on 60 images of three kinds.
struct DpacTraining {
  explicit DpacTraining(const DpacOptions& settings, const std::string& name = "dpac")
      : method(create_method(name)) {
    DpacOptions all = {{"epochs", "4"}, {"batch_size", "20"}, {"side", "16"}};
    // Batch norms follow a network of a dozen steps only where these are small.
    if (name == "dpac") all.insert({{"pretrain_epochs", "4"}, {"learning_rate", "0.0001"}});
    for (const auto& [key, value] : settings) all[key] = value;
    for (const auto& [key, value] : all) method->set_parameter(key, value);
    context.record = [this](const nlohmann::json& line) { history.push_back(line); };
  }
  Clustering run() { return method->fit(images.data, context); }
  double score() { return accuracy(run().labels, images.truth); }
  std::int64_t epochs_of(const std::string& stage) const {
    return std::count_if(history.begin(), history.end(),
                         [&](const auto& line) { return line.at("stage") == stage; });
  }

  ToyImages images{60};
  FitContext context{.clusters = 3, .seed = 5};
  std::unique_ptr<Method> method;
  std::vector<nlohmann::json> history;
};

TEST(DpacSlow, EveryVariantOfItsTablesFindsThreeKindsOfImages) {
  for (const DpacOptions& settings :
       {DpacOptions{{"objective", "jpac"}},
        DpacOptions{{"objective", "kmeans"}, {"codes_every", "2"}},
        DpacOptions{{"objective", "fcm"}}, DpacOptions{{"objective", "pac"}},
        DpacOptions{{"contrast", "standard"}}, DpacOptions{{"contrast", "moco"}},
        DpacOptions{{"scores", "sums"}, {"strong", "false"}}, DpacOptions{{"distance", "centred"}},
        DpacOptions{{"distance", "features"}}, DpacOptions{{"distance", "projections"}},
        DpacOptions{{"label_momentum", "0"}, {"memory", "0"}}, DpacOptions{{"balance", "0.1"}},
        DpacOptions{{"start", "kmeans"}}}) {
    DpacTraining training(settings);
    EXPECT_EQ(training.score(), 1.0) << nlohmann::json(settings).dump();
    if (!settings.contains("objective") || settings.at("objective") == "jpac") continue;
    // Clusters of all images have the numbers of the head's.
    for (const auto& line : training.history)
      if (line.at("stage") == "cluster") {
        EXPECT_GE(line.at("losses").at("agreement"), 0.95) << nlohmann::json(settings).dump();
      }
  }
}

/// The losses of each epoch of the stage "cluster".
nlohmann::json clustering_losses(const DpacOptions& settings) {
  DpacOptions all = {{"pretrain_epochs", "1"}, {"start_epochs", "1"}, {"epochs", "2"}};
  for (const auto& [key, value] : settings) all[key] = value;
  DpacTraining training(all);
  training.run();
  auto losses = nlohmann::json::array();
  for (const auto& line : training.history)
    if (line.at("stage") == "cluster") losses.push_back(line.at("losses"));
  return losses;
}

TEST(DpacSlow, EveryOptionOfTheClusteringChangesWhatIsLearned) {
  const auto plain = clustering_losses({});
  ASSERT_EQ(plain.size(), 2u);
  EXPECT_FALSE(plain.back().contains("imbalance"));
  for (const DpacOptions& settings :
       {DpacOptions{{"contrast", "standard"}}, DpacOptions{{"contrast", "moco"}},
        DpacOptions{{"strong", "false"}}, DpacOptions{{"label_momentum", "0"}},
        DpacOptions{{"memory", "0"}}, DpacOptions{{"scores", "means"}},
        DpacOptions{{"scores", "sums"}}, DpacOptions{{"distance", "features"}},
        DpacOptions{{"distance", "centred"}}, DpacOptions{{"distance", "projections"}},
        DpacOptions{{"m", "1.1"}}, DpacOptions{{"cluster_weight", "1"}}}) {
    const auto found = clustering_losses(settings);
    EXPECT_NE(found.front(), plain.front()) << nlohmann::json(settings).dump();
  }
  const auto balanced = clustering_losses({{"balance", "1"}});
  EXPECT_TRUE(balanced.back().contains("imbalance"));
  EXPECT_NE(balanced.back().at("divergence"), plain.back().at("divergence"));
}

TEST(DpacSlow, ARandomHeadLearnsThemByEachObjectiveAndDistance) {
  for (const DpacOptions& settings :
       {DpacOptions{}, DpacOptions{{"objective", "jpac"}}, DpacOptions{{"objective", "kmeans"}},
        DpacOptions{{"objective", "fcm"}}, DpacOptions{{"objective", "pac"}},
        DpacOptions{{"distance", "centred"}}, DpacOptions{{"distance", "features"}},
        DpacOptions{{"distance", "projections"}}, DpacOptions{{"memory", "0"}},
        DpacOptions{{"scores", "sums"}}, DpacOptions{{"scores", "means"}},
        DpacOptions{{"contrast", "standard"}}, DpacOptions{{"contrast", "moco"}}}) {
    DpacOptions all{
        {"start", "random"}, {"epochs", "30"}, {"learning_rate", "0.001"}, {"label_momentum", "0"}};
    all.insert(settings.begin(), settings.end());
    DpacTraining training(all);
    EXPECT_EQ(training.score(), 1.0) << nlohmann::json(settings).dump();
    EXPECT_EQ(training.epochs_of("head"), 0);
  }
  // It is the objective that teaches it: with next to none it stays random.
  DpacTraining untaught({{"start", "random"},
                         {"epochs", "30"},
                         {"learning_rate", "0.001"},
                         {"label_momentum", "0"},
                         {"cluster_weight", "1e-9"}});
  EXPECT_LT(untaught.score(), 0.9);
}

TEST(Dpac, SelfLabellingGivesTheClustersOfItsOwnHead) {
  DpacTraining training({{"self_label", "true"}, {"label_epochs", "20"}, {"threshold", "0.5"}});
  const Clustering found = training.run();
  EXPECT_EQ(training.epochs_of("self-label"), 20);
  EXPECT_EQ(accuracy(found.labels, training.images.truth), 1.0);
  const StoredModel model = training.method->save();
  EXPECT_TRUE(model.tensors.contains("head/labels.weight"));
  const auto first =
      std::find_if(training.history.begin(), training.history.end(),
                   [](const auto& line) { return line.at("stage") == "self-label"; });
  EXPECT_GT(training.history.back().at("losses").at("agreement"),
            first->at("losses").at("agreement"));

  // A run that comes from it has its clusters, not those of the head that taught it.
  TemporaryFolder folder;
  write_safetensors(folder / "labelled.safetensors", model.tensors);
  DpacTraining second(DpacOptions{{"epochs", "0"}, {"self_label", "true"}});
  second.context.init_from = folder / "labelled.safetensors";
  Warnings warnings;
  second.context.progress = &warnings;
  EXPECT_EQ(second.run().labels, found.labels);
  EXPECT_EQ(second.epochs_of("self-label"), 0);
  EXPECT_CONTAINS(warnings.all(), "nothing is trained");
  // Clusters that are to learn on begin anew: those of the head that taught are of an earlier
  // network.
  DpacTraining third(DpacOptions{{"self_label", "true"}, {"threshold", "0.5"}});
  third.context.init_from = folder / "labelled.safetensors";
  third.context.progress = &warnings;
  EXPECT_EQ(third.score(), 1.0);
  EXPECT_CONTAINS(warnings.all(), "new ones are found");
  EXPECT_EQ(third.epochs_of("head"), 5);
  EXPECT_EQ(third.epochs_of("cluster"), 4);
  DpacTraining cc(DpacOptions{{"epochs", "1"}}, "cc");
  cc.context.init_from = folder / "labelled.safetensors";
  cc.context.progress = &warnings;
  cc.run();
  EXPECT_CONTAINS(warnings.all(), "the clusters of that run do not fit");
}

TEST(Dpac, SelfLabellingThatTeachesNothingLeavesTheClustersAsTheyAre) {
  const DpacOptions settings{{"pretrain_epochs", "1"}, {"start_epochs", "1"}, {"epochs", "1"}};
  DpacTraining plain(settings);
  const Clustering before = plain.run();
  DpacOptions untaught = settings;
  untaught.insert({{"self_label", "true"}, {"threshold", "0.9999999"}});
  DpacTraining training(untaught);
  Warnings warnings;
  training.context.progress = &warnings;
  const Clustering found = training.run();
  EXPECT_EQ(training.epochs_of("self-label"), 1);
  EXPECT_EQ(training.history.back().at("losses").at("sure"), 0.0);
  EXPECT_EQ(training.history.back().at("losses").at("cross_entropy"), 0.0);
  EXPECT_CONTAINS(warnings.all(), "threshold");
  // Weight decay moved the network in that epoch; it is as it was again.
  EXPECT_EQ(found.labels, before.labels);
}

TEST(Dpac, GoesOnFromTheNetworkOfAnotherRun) {
  TemporaryFolder folder;
  DpacTraining pretrained({{"projector_layers", "3"}}, "simclr");
  pretrained.run();
  const StoredModel simclr = pretrained.method->save();
  write_safetensors(folder / "simclr.safetensors", simclr.tensors);
  DpacTraining first({});
  first.context.init_from = folder / "simclr.safetensors";
  EXPECT_EQ(first.score(), 1.0);
  EXPECT_EQ(first.epochs_of("contrast"), 0);
  EXPECT_EQ(first.epochs_of("head"), 5);
  const StoredModel dpac = first.method->save();
  write_safetensors(folder / "dpac.safetensors", dpac.tensors);

  // From a dpac run its clusters come along.
  DpacTraining second(
      {{"epochs", "0"}, {"self_label", "true"}, {"label_epochs", "20"}, {"threshold", "0.5"}});
  second.context.init_from = folder / "dpac.safetensors";
  Warnings warnings;
  second.context.progress = &warnings;
  EXPECT_EQ(second.score(), 1.0);
  EXPECT_TRUE(warnings.said.empty()) << warnings.all();
  EXPECT_EQ(second.epochs_of("head"), 0);
  EXPECT_EQ(second.epochs_of("cluster"), 0);

  // With another K they do not.
  DpacTraining other(DpacOptions{{"epochs", "0"}, {"start", "random"}});
  other.context.clusters = 4;
  other.context.init_from = folder / "dpac.safetensors";
  other.context.progress = &warnings;
  EXPECT_CONTAINS(user_error_of([&] { other.run(); }), "epochs = 0");
  EXPECT_CONTAINS(warnings.all(), "the clusters of that run do not fit");

  DpacTraining autoencoder({}, "simclr");
  const Tensor nothing{DType::f32, {1}, std::vector<std::byte>(4)};
  write_safetensors(folder / "other.safetensors", {{"autoencoder/x", nothing}});
  autoencoder.context.init_from = folder / "other.safetensors";
  EXPECT_CONTAINS(user_error_of([&] { autoencoder.run(); }), "no backbone");
}

/// Expects runs that stop after each of these epochs, and go on, to end as one that does not.
void expect_resumable(const DpacOptions& settings, const std::vector<int>& stops) {
  const Clustering expected = DpacTraining(settings).run();
  for (const int stop : stops) {
    TemporaryFolder folder;
    CancelToken cancel;
    DpacTraining stopped(settings);
    stopped.context.checkpoints = folder / "checkpoints";
    stopped.context.cancel = &cancel;
    int records = 0;
    stopped.context.record = [&](const nlohmann::json&) {
      if (++records == stop) cancel.cancel();
    };
    EXPECT_THROW(stopped.run(), Interrupted) << stop;
    DpacTraining resumed(settings);
    resumed.context.checkpoints = folder / "checkpoints";
    const Clustering found = resumed.run();
    EXPECT_EQ(found.labels, expected.labels) << stop;
    for (std::int64_t i = 0; i < expected.probabilities.size(); ++i)
      ASSERT_EQ(found.probabilities.data()[i], expected.probabilities.data()[i]) << stop;
  }
}

TEST(Dpac, ResumedWithinEachStageEqualsUninterrupted) {
  // Contrast 2, head 5, cluster 4, self-label 2 epochs: stopped in most of them, and at their ends.
  // Cluster has twelve steps, so that the whitening map is renewed.
  const DpacOptions stages = {{"pretrain_epochs", "2"},
                              {"epochs", "4"},
                              {"self_label", "true"},
                              {"label_epochs", "2"},
                              {"threshold", "0.5"}};
  expect_resumable(stages, {1, 2, 4, 7, 9, 11, 12});
  // What else is learned from all images, or kept from step to step.
  for (const DpacOptions& own :
       {DpacOptions{{"objective", "pac"}, {"codes_every", "2"}}, DpacOptions{{"objective", "jpac"}},
        DpacOptions{{"contrast", "moco"}}}) {
    DpacOptions settings = stages;
    settings.insert(own.begin(), own.end());
    expect_resumable(settings, {9});
  }
}

TEST(Dpac, ACollapseInTheEndIsToldThoughItsBatchesLookSound) {
  DpacTraining sound(DpacOptions{});
  ASSERT_EQ(sound.score(), 1.0);
  // Batch norms that have seen images of enormous contrast make all of ours alike. Training, where
  // they take the statistics of each batch, does not notice.
  TensorMap tensors = sound.method->save().tensors;
  for (auto& [name, tensor] : tensors)
    if (name.ends_with("running_var"))
      tensor = make_tensor<float>(tensor.shape, std::vector<float>(tensor.count(), 1e12F));
  TemporaryFolder folder;
  write_safetensors(folder / "model.safetensors", tensors);
  DpacTraining training(DpacOptions{{"epochs", "1"}, {"learning_rate", "1e-9"}});
  training.context.init_from = folder / "model.safetensors";
  testing::Warnings warnings;
  training.context.progress = &warnings;
  const ToyImages many(400);  // of fewer the statistics would be taken anew
  training.method->fit(many.data, training.context);
  ASSERT_EQ(training.epochs_of("cluster"), 1);
  EXPECT_FALSE(training.history.back().contains("collapse"));
  EXPECT_CONTAINS(warnings.all(), "in the end one cluster holds 100 % of the images");
  EXPECT_CONTAINS(training.method->statistics().at("collapse").get<std::string>(), "100 %");
}

TEST(Dpac, SetsSmallerThanABatchAndShortLastBatchesTrain) {
  for (const char* batch : {"256", "59", "58"}) {
    DpacTraining training(DpacOptions{{"batch_size", batch}, {"pretrain_epochs", "12"}});
    EXPECT_EQ(training.score(), 1.0) << batch;
  }
}

}  // namespace
}  // namespace coterie
