#include <gtest/gtest.h>

#include <set>

#include "coterie/methods/registry.h"
#include "coterie/methods/runtime.h"
#include "coterie/metrics/scores.h"
#include "methods/three_kinds.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::ToyImages;

/// A finished run of a method, for others to start from.
class TrainedRun {
 public:
  TrainedRun(const std::string& name, const ToyImages& images, std::int64_t clusters)
      : method(make(name)) {
    found = method->fit(images.data, {.clusters = clusters, .seed = 3});
    write_safetensors(model(), method->save().tensors);
  }
  static std::unique_ptr<Method> make(const std::string& name) {
    auto made = create_method(name);
    for (const auto& parameter : made->parameters()) {
      if (parameter.name == "epochs" || parameter.name == "pretrain_epochs")
        made->set_parameter(parameter.name, "4");
      if (parameter.name == "batch_size" || parameter.name == "joint_batch_size")
        made->set_parameter(parameter.name, "16");
      if (parameter.name == "side") made->set_parameter("side", "16");
    }
    return made;
  }
  std::filesystem::path model() const { return folder_ / "model.safetensors"; }

  std::unique_ptr<Method> method;
  Clustering found;

 private:
  TemporaryFolder folder_;
};

TEST(CorrectionsSlow, ConstraintsTurnAClusteringRound) {
  // Kinds 0 and 1 are one group to this person.
  const ToyImages images(60);
  const TrainedRun run("dpac", images, 3);
  ASSERT_EQ(accuracy(run.found.labels, images.truth), 1.0);
  FitContext context{.clusters = 3, .seed = 3};
  context.init_from = run.model();
  // Each image of kind 0 belongs to image 1 and to another of kind 1. With image 1 alone, that one
  // could go over to kind 0 as well.
  for (std::int64_t i = 0; i < 60; i += 3) {
    context.corrections.constraints.push_back({i, 1, Link::must});
    context.corrections.constraints.push_back({i, i + 1, Link::must});
    context.corrections.constraints.push_back({i, 2, Link::cannot});
  }
  std::vector<std::string> stages;
  context.record = [&](const nlohmann::json& line) { stages.push_back(line.at("stage")); };
  const Clustering corrected = TrainedRun::make("dpac")->fit(images.data, context);
  for (const auto& stage : stages) EXPECT_EQ(stage, "corrections");
  for (std::int64_t i = 0; i < 60; ++i)
    EXPECT_EQ(corrected.labels[i] == corrected.labels[1], images.truth[i] < 2) << i;
}

TEST(CorrectionsSlow, WhereKMeansDecidedTheHeadDoesOnceItIsCorrected) {
  const ToyImages images(60);
  const TrainedRun run("jdce", images, 3);  // labels=kmeans
  FitContext context{.clusters = 3, .seed = 3};
  context.init_from = run.model();
  for (const auto kind : images.truth) context.corrections.labels.push_back((kind + 1) % 3);
  const Clustering corrected = TrainedRun::make("jdce")->fit(images.data, context);
  EXPECT_EQ(corrected.labels, context.corrections.labels);  // in these very numbers
}

TEST(CorrectionsSlow, LabelsMayHaveAnotherNumberOfClusters) {
  const ToyImages images(60);
  const TrainedRun run("dpac", images, 3);
  const std::set<std::string> precisions = {"fp32", resolved_precision_name("auto", "cpu")};
  for (const std::string& precision : precisions) {
    FitContext context{.clusters = 2, .seed = 3};
    context.precision = precision;
    context.init_from = run.model();
    for (const auto kind : images.truth) context.corrections.labels.push_back(kind == 2);
    const Clustering corrected = TrainedRun::make("dpac")->fit(images.data, context);
    EXPECT_EQ(corrected.labels, context.corrections.labels) << precision;
  }
}

TEST(CorrectionsSlow, FollowAFullTrainingWhereNoRunIsGiven) {
  const ToyImages images(60);
  FitContext context{.clusters = 3, .seed = 3};
  context.corrections.constraints = {{0, 3, Link::must}, {0, 1, Link::cannot}};
  std::vector<std::string> stages;
  context.record = [&](const nlohmann::json& line) {
    if (stages.empty() || stages.back() != line.at("stage")) stages.push_back(line.at("stage"));
  };
  TrainedRun::make("dpac")->fit(images.data, context);
  EXPECT_EQ(stages, (std::vector<std::string>{"contrast", "head", "cluster", "corrections"}));
}

/// Every method that says so learns from corrections.
class CorrectedMethodsSlow : public ::testing::TestWithParam<std::string> {};

TEST_P(CorrectedMethodsSlow, ConstraintsDecideWhereLabelsAreDoubted) {
  if (GetParam() == "adc") GTEST_SKIP() << "it learns from nothing else; see its own tests";
  // Kind 0 belongs to kind 1 for one person and to kind 2 for another. That frees its labels, so
  // that nothing else tells the two apart. A backbone, which is slow, has one of them and few
  // images.
  const bool slow = TrainedRun::make(GetParam())->info().network == NetworkKind::backbone;
  const std::int64_t count = slow ? 30 : 60;
  const ToyImages images(count);
  for (const std::int32_t home : slow ? std::vector{1} : std::vector{1, 2}) {
    auto method = TrainedRun::make(GetParam());
    if (GetParam() == "jdce") method->set_parameter("soft", "true");
    // A ReLU before the softmax has no slope for clusters that an image is far from.
    if (GetParam() == "ae-dac" || GetParam() == "dac") method->set_parameter("head_end", "plain");
    FitContext context{.clusters = 3, .seed = 3};
    context.corrections.labels = images.truth;
    for (std::int64_t i = 0; i < count; i += 3) {
      context.corrections.constraints.push_back({i, i + home, Link::must});
      context.corrections.constraints.push_back({i, i + 3 - home, Link::cannot});
      // Images of the home, of which this is right, keep their labels.
      context.corrections.constraints.push_back({i + home, (i + 3) % count + home, Link::must});
    }
    const Clustering found = method->fit(images.data, context);
    for (std::int64_t i = 0; i < count; ++i)
      EXPECT_EQ(found.labels[i], images.truth[i] == 0 ? home : images.truth[i]) << home << ' ' << i;
  }
}

std::vector<std::string> correctable() {
  std::vector<std::string> names;
  for (const auto& method : registered_methods())
    if (method.info.learns_corrections) names.push_back(method.info.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Methods, CorrectedMethodsSlow, ::testing::ValuesIn(correctable()),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace coterie
