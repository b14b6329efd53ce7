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
  DcscTraining right({});
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
  EXPECT_LE(last.at("head_agreement"), 1.0001);
  EXPECT_GT(last.at("view_agreement"), 0.75);
  EXPECT_LE(last.at("view_agreement"), 1.0);
  EXPECT_GT(last.at("top_probability"), first.at("top_probability"));
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
