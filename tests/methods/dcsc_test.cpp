// What dcsc does beyond what the conformance test sees.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "coterie/methods/registry.h"
#include "coterie/metrics/scores.h"
#include "methods/three_kinds.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::ToyImages;
using testing::user_error_of;
using testing::Warnings;
using DcscOptions = std::map<std::string, std::string>;

/// dcsc on 60 images of three kinds.
struct DcscTraining {
  explicit DcscTraining(const DcscOptions& settings) : method(create_method("dcsc")) {
    DcscOptions all = {
        {"epochs", "20"}, {"batch_size", "20"}, {"side", "16"}, {"over_clusters", "12"}};
    for (const auto& [key, value] : settings) all[key] = value;
    for (const auto& [key, value] : all) method->set_parameter(key, value);
    context.record = [this](const nlohmann::json& line) { history.push_back(line); };
    context.progress = &warnings;
  }
  Clustering run() { return method->fit(images.data, context); }
  double score() { return accuracy(run().labels, images.truth); }

  ToyImages images{60};
  Warnings warnings;
  FitContext context{.clusters = 3, .seed = 1};
  std::unique_ptr<Method> method;
  std::vector<nlohmann::json> history;
};

TEST(DcscSlow, EveryVariantFindsThreeKindsOfImages) {
  for (const DcscOptions& settings :
       {DcscOptions{}, DcscOptions{{"similarity", "js"}, {"stop_gradient", "true"}},
        DcscOptions{{"similarity", "kl"}, {"predictor", "false"}},
        DcscOptions{{"batch_norm", "false"}, {"over_clustering", "none"}},
        DcscOptions{{"over_clustering", "semantic"}}, DcscOptions{{"feature_loss", "false"}},
        DcscOptions{{"cluster_loss", "false"}}, DcscOptions{{"semantic_loss", "false"}},
        DcscOptions{{"feature_loss", "false"}, {"cluster_loss", "false"}}})
    EXPECT_EQ(DcscTraining(settings).score(), 1.0) << nlohmann::json(settings).dump();
}

TEST(DcscSlow, WithTheSignOfEquation36AsPrintedClustersMerge) {
  DcscTraining right(DcscOptions{{"over_clustering", "none"}});
  EXPECT_EQ(right.score(), 1.0);
  EXPECT_TRUE(right.warnings.said.empty());
  EXPECT_NEAR(right.history.back().at("losses").at("entropy"), std::log(3.0), 0.05);

  DcscTraining printed({{"balance", "-1"}, {"over_clustering", "none"}});
  const Clustering found = printed.run();
  EXPECT_LT(accuracy(found.labels, printed.images.truth), 0.7);
  ASSERT_EQ(printed.warnings.said.size(), 1u);
  EXPECT_CONTAINS(printed.warnings.said[0], "collapsed");
  EXPECT_LT(printed.history.back().at("losses").at("entropy"), std::log(2.0));
}

TEST(DcscSlow, ItsHeadsAgreeInTheEndAndTheRecordShowsIt) {
  DcscTraining training({});
  training.run();
  const auto& first = training.history.front().at("losses");
  const auto& last = training.history.back().at("losses");
  for (const char* name : {"feature", "cluster", "imbalance", "semantic", "over_cluster",
                           "over_imbalance", "over_semantic"})
    EXPECT_TRUE(last.contains(name)) << name;
  EXPECT_GT(last.at("head_agreement"), 0.9);
  EXPECT_LE(last.at("head_agreement"), 1.0);
  EXPECT_GT(last.at("view_agreement"), 0.75);
  EXPECT_LE(last.at("view_agreement"), 1.0);
  EXPECT_GT(last.at("top_probability"), first.at("top_probability"));
}

/// The tensors that a run of one epoch with these settings stores.
TensorMap stored(DcscOptions settings) {
  settings.insert({"epochs", "1"});
  DcscTraining training(settings);
  training.run();
  return training.method->save().tensors;
}
/// How many of them begin so.
std::int64_t count_of(const TensorMap& tensors, const std::string& name) {
  return std::count_if(tensors.begin(), tensors.end(),
                       [&](const auto& entry) { return entry.first.starts_with(name); });
}

TEST(Dcsc, EachSwitchChangesTheHeads) {
  const TensorMap all = stored({{"over_clusters", "0"}});
  EXPECT_GT(count_of(all, "head/semantic.predictor."), 0);
  EXPECT_EQ(count_of(stored({{"predictor", "false"}}), "head/semantic.predictor."), 0);
  // Running means are of batch norms.
  const auto norms = [](const TensorMap& tensors) {
    return std::count_if(tensors.begin(), tensors.end(), [](const auto& entry) {
      return entry.first.starts_with("head/") && entry.first.ends_with("running_mean");
    });
  };
  EXPECT_GT(norms(all), 0);
  EXPECT_EQ(norms(stored({{"batch_norm", "false"}})), 0);
  // The auxiliary heads have 70 clusters, or the semantic one has.
  const auto rows = [](const TensorMap& tensors, const std::string& head) {
    std::int64_t last = 0;  // of its last layer
    for (const auto& [name, tensor] : tensors)
      if (name.starts_with(head) && name.ends_with("bias")) last = tensor.shape[0];
    return last;
  };
  EXPECT_EQ(rows(all, "head/clusters."), 3);
  EXPECT_EQ(rows(all, "head/over."), 70);
  EXPECT_EQ(rows(all, "head/over_semantic.projector."), 70);
  const TensorMap semantic = stored({{"over_clusters", "0"}, {"over_clustering", "semantic"}});
  EXPECT_EQ(rows(semantic, "head/semantic.projector."), 70);
  EXPECT_EQ(count_of(semantic, "head/over"), 0);
  // All layers of heads but the last are as wide as asked for.
  const TensorMap narrow = stored({{"head_width", "24"}});
  for (const char* head : {"projector", "clusters", "over", "semantic.projector"})
    EXPECT_EQ(narrow.at(fmt::format("head/{}.layers.0.weight", head)).shape[0], 24) << head;
  // Without the cluster loss there is no cluster head for another method to start from.
  const TensorMap headless = stored({{"cluster_loss", "false"}});
  EXPECT_EQ(count_of(headless, "head/clusters."), 0);
  EXPECT_EQ(count_of(headless, "head/nearest."), 1);
  // The same network learns otherwise where one branch has no gradient.
  const TensorMap stopped = stored({{"over_clusters", "0"}, {"stop_gradient", "true"}});
  EXPECT_NE(stopped.at("head/semantic.projector.layers.0.weight").bytes,
            all.at("head/semantic.projector.layers.0.weight").bytes);
}

TEST(Dcsc, WhereKMeansDecidesNothingCouldLearnCorrections) {
  auto method = create_method("dcsc");
  EXPECT_TRUE(method->info().learns_corrections);
  method->set_parameter("cluster_loss", "false");
  EXPECT_FALSE(method->info().learns_corrections);
}

TEST(Dcsc, EachHeadThatIsThereIsDescribed) {
  DcscTraining training(DcscOptions{{"epochs", "1"}, {"cluster_loss", "false"}});
  training.run();
  const auto& losses = training.history.back().at("losses");
  for (const char* name :
       {"semantic_entropy", "semantic_top_probability", "semantic_view_agreement"})
    EXPECT_TRUE(losses.contains(name)) << name;
  for (const char* name : {"entropy", "head_agreement"}) EXPECT_FALSE(losses.contains(name));
}

TEST(Dcsc, OnlyHeadsThatALossLooksAtAreTrainedAndStored) {
  DcscTraining training({{"semantic_loss", "false"}, {"over_clustering", "none"}, {"epochs", "2"}});
  training.run();
  const TensorMap tensors = training.method->save().tensors;
  EXPECT_TRUE(tensors.contains("head/nearest.centres"));
  EXPECT_EQ(std::count_if(tensors.begin(), tensors.end(),
                          [](const auto& entry) {
                            return entry.first.starts_with("head/semantic") ||
                                   entry.first.starts_with("head/over");
                          }),
            0);
  EXPECT_FALSE(training.history.back().at("losses").contains("semantic"));
}

TEST(Dcsc, WithoutAnyLossItSaysSo) {
  DcscTraining training(
      {{"feature_loss", "false"}, {"cluster_loss", "false"}, {"semantic_loss", "false"}});
  EXPECT_CONTAINS(user_error_of([&] { training.run(); }), "all off");
}

}  // namespace
}  // namespace coterie
