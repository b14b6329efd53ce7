// What every registered method keeps to. A new method is tested here by being registered.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coterie/core/random.h"
#include "coterie/methods/registry.h"
#include "coterie/methods/runtime.h"
#include "coterie/metrics/scores.h"
#include "methods/three_kinds.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::ToyImages;
using testing::user_error_of;

class Conformance : public ::testing::TestWithParam<std::string> {
 protected:
  /// The method, small enough for a test.
  std::unique_ptr<Method> method() const {
    auto created = create_method(GetParam());
    for (const auto& parameter : created->parameters()) {
      if (parameter.name == "epochs") created->set_parameter("epochs", "4");
      if (parameter.name == "iterations") created->set_parameter("iterations", "2");
      if (parameter.name == "rounds") created->set_parameter("rounds", "2");
      if (parameter.name == "cluster_epochs") created->set_parameter("cluster_epochs", "2");
      if (GetParam() == "adc" && parameter.name == "side") created->set_parameter("side", "8");
      // Labels of a head that has hardly learned may have no consensus.
      if (parameter.name == "soft") created->set_parameter("soft", "true");
      if (created->info().network == NetworkKind::backbone) {
        if (parameter.name == "pretrain_epochs") created->set_parameter("pretrain_epochs", "4");
        if (parameter.name == "side") created->set_parameter("side", "16");
      }
      if (parameter.name == "batch_size" || parameter.name == "joint_batch_size")
        created->set_parameter(parameter.name, "16");
    }
    return created;
  }
  FitContext context(const std::filesystem::path& checkpoints = {}) {
    FitContext result{.clusters = 3};
    result.seed = 5;
    result.progress = &progress_;
    result.cancel = &cancel_;
    result.checkpoints = checkpoints;
    result.oracle = [this](const std::vector<ImagePair>& pairs) {
      std::vector<Constraint> answers;
      for (const auto& [a, b] : pairs)
        answers.push_back({a, b, images_.truth[a] == images_.truth[b] ? Link::must : Link::cannot});
      return answers;
    };
    return result;
  }

  Progress progress_;
  CancelToken cancel_;
  ToyImages images_{60};
};

void expect_equal(const Clustering& a, const Clustering& b) {
  EXPECT_EQ(a.labels, b.labels);
  ASSERT_EQ(a.probabilities.size(), b.probabilities.size());
  for (std::int64_t i = 0; i < a.probabilities.size(); ++i)
    ASSERT_EQ(a.probabilities.data()[i], b.probabilities.data()[i]) << "entry " << i;
  ASSERT_EQ(a.embeddings.size(), b.embeddings.size());
  for (std::int64_t i = 0; i < a.embeddings.size(); ++i)
    ASSERT_EQ(a.embeddings.data()[i], b.embeddings.data()[i]) << "entry " << i;
}

/// Labels of 60 images in so many clusters are the largest of their probabilities.
void expect_sound(const Clustering& found, std::int64_t clusters) {
  ASSERT_EQ(found.labels.size(), 60u);
  ASSERT_EQ(found.probabilities.rows(), 60);
  ASSERT_EQ(found.probabilities.cols(), clusters);
  for (std::int64_t i = 0; i < 60; ++i) {
    const float* p = found.probabilities.row(i);
    EXPECT_EQ(found.labels[i], std::max_element(p, p + clusters) - p);
    EXPECT_NEAR(std::accumulate(p, p + clusters, 0.0), 1.0, 1e-5);
    EXPECT_GE(*std::min_element(p, p + clusters), 0.0f);
  }
}

TEST_P(Conformance, LabelsAndProbabilitiesAreSound) {
  expect_sound(method()->fit(images_.data, context()), 3);
}

TEST_P(Conformance, SoAreThoseOfColourImagesOfAnyFormInManyClusters) {
  RandomStream random(4, "colours");
  std::vector<std::uint8_t> pixels(60 * 3 * 32 * 40);
  for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
  const TrainingData data{
      .count = 60, .pixels = pixels.data(), .shape = {3, 32, 40}, .features = {}};
  FitContext twelve = context();
  twelve.clusters = 12;
  expect_sound(method()->fit(data, twelve), 12);
}

TEST_P(Conformance, FindsThreeKindsOfImages) {
  if (GetParam() == "dac") GTEST_SKIP() << "from random weights luck decides what it finds";
  if (GetParam() == "cc" || GetParam() == "dcsc" || GetParam() == "jdce" || GetParam() == "adc")
    GTEST_SKIP() << "sixteen steps are too few for it; see its own test";
  const Clustering found = method()->fit(images_.data, context());
  EXPECT_GE(accuracy(found.labels, images_.truth), 0.95);
}

TEST_P(Conformance, FindsTheNumberOfClustersWhereItSaysSo) {
  auto created = method();
  if (!created->info().finds_clusters) GTEST_SKIP() << "it needs the number";
  FitContext asked = context();
  asked.clusters = 0;
  asked.most_clusters = 6;
  const Clustering found = created->fit(images_.data, asked);
  EXPECT_GE(found.probabilities.cols(), 2);
  EXPECT_EQ(created->statistics().at("cluster_count").at("k"), found.probabilities.cols());
  EXPECT_FALSE(created->statistics().at("cluster_count").at("reason").get<std::string>().empty());
  EXPECT_EQ(accuracy(found.labels, images_.truth), 1.0) << found.probabilities.cols();
}

TEST_P(Conformance, SameSeedSameResult) {
  expect_equal(method()->fit(images_.data, context()), method()->fit(images_.data, context()));
}

TEST_P(Conformance, PredictOnTheTrainingImagesEqualsTheFit) {
  auto trained = method();
  const Clustering fitted = trained->fit(images_.data, context());
  expect_equal(trained->predict(images_.data, context()), fitted);
}

TEST_P(Conformance, SavedAndLoadedPredictsTheSame) {
  TemporaryFolder folder;
  auto trained = method();
  const Clustering fitted = trained->fit(images_.data, context());
  const StoredModel saved = trained->save();
  write_safetensors(folder / "model.safetensors", saved.tensors);
  auto loaded = method();
  loaded->load({read_safetensors(folder / "model.safetensors").tensors,
                nlohmann::json::parse(saved.meta.dump())});
  expect_equal(loaded->predict(images_.data, context()), fitted);
}

TEST_P(Conformance, TrainsOnAGpuToAModelThatTheProcessorRuns) {
  const auto trained = method();
  if (trained->info().network == NetworkKind::none) GTEST_SKIP() << "it has no network";
  FitContext gpu = context();
  gpu.device = resolved_device_name("auto");
  if (gpu.device == "cpu") GTEST_SKIP() << "there is no GPU here";
  const Clustering fitted = trained->fit(images_.data, gpu);
  expect_sound(fitted, 3);
  const auto loaded = method();
  loaded->load(trained->save());
  const Clustering found = loaded->predict(images_.data, context());
  for (std::int64_t i = 0; i < found.probabilities.size(); ++i)
    EXPECT_NEAR(found.probabilities.data()[i], fitted.probabilities.data()[i], 1e-3);
}

/// What a method tells of itself, but its speed.
nlohmann::json statistics_of(const Method& method) {
  nlohmann::json statistics = method.statistics();
  statistics.erase("images_per_second");
  return statistics;
}

TEST_P(Conformance, ResumedEqualsUninterrupted) {
  TemporaryFolder folder;
  const auto uninterrupted = method();
  const Clustering expected = uninterrupted->fit(images_.data, context());
  FitContext stopped = context(folder / "checkpoints");
  int records = 0;
  stopped.record = [&](const nlohmann::json&) {
    if (++records == 2) cancel_.cancel();
  };
  bool interrupted = false;
  try {
    method()->fit(images_.data, stopped);
  } catch (const Interrupted&) {
    interrupted = true;
    EXPECT_EQ(records, 2);
  }
  EXPECT_TRUE(interrupted || uninterrupted->info().network == NetworkKind::none);
  CancelToken fresh;
  FitContext resumed = context(folder / "checkpoints");
  resumed.cancel = &fresh;
  // Once from the middle, and once from where training was over.
  for (int i = 0; i < 2; ++i) {
    const auto again = method();
    expect_equal(again->fit(images_.data, resumed), expected);
    EXPECT_EQ(statistics_of(*again), statistics_of(*uninterrupted));
  }
}

class ConformanceSlow : public Conformance {};

TEST_P(ConformanceSlow, ResumedInsideEachStageEqualsUninterrupted) {
  std::vector<std::string> stages;  // of each record
  FitContext whole = context();
  whole.record = [&](const nlohmann::json& line) { stages.push_back(line.at("stage")); };
  const Clustering expected = method()->fit(images_.data, whole);
  for (std::size_t stop = 0; stop < stages.size(); ++stop) {
    if (stop > 0 && stages[stop] == stages[stop - 1]) continue;
    TemporaryFolder folder;
    CancelToken cancel;
    FitContext stopped = context(folder / "checkpoints");
    stopped.cancel = &cancel;
    std::size_t records = 0;
    stopped.record = [&](const nlohmann::json&) {
      if (records++ == stop) cancel.cancel();
    };
    try {
      method()->fit(images_.data, stopped);
    } catch (const Interrupted&) {
    }
    SCOPED_TRACE(stages[stop]);
    expect_equal(method()->fit(images_.data, context(folder / "checkpoints")), expected);
  }
}

TEST_P(Conformance, StopsWhenCancelled) {
  cancel_.cancel();
  EXPECT_THROW(method()->fit(images_.data, context()), Interrupted);
}

TEST_P(Conformance, RefusesImpossibleNumbersOfClusters) {
  FitContext one = context(), many = context();
  one.clusters = 1;
  many.clusters = 61;
  EXPECT_CONTAINS(user_error_of([&] { method()->fit(images_.data, one); }), "1");
  EXPECT_CONTAINS(user_error_of([&] { method()->fit(images_.data, many); }), "60");
}

TEST_P(Conformance, RefusesTooFewImages) {
  const ToyImages single(1);
  user_error_of([&] { method()->fit(single.data, context()); });
  TrainingData none = images_.data;
  none.count = 0;
  user_error_of([&] { method()->fit(none, context()); });
}

TEST_P(Conformance, RefusesDataOfAnotherForm) {
  auto trained = method();
  trained->fit(images_.data, context());
  TrainingData wider = images_.data;
  wider.count = 10;
  wider.shape = {3, 28, 28};
  user_error_of([&] { trained->predict(wider, context()); });
}

TEST_P(Conformance, EveryParameterHasASoundDefault) {
  auto checked = method();
  const auto infos = create_method(GetParam())->parameters();
  const auto values = create_method(GetParam())->parameter_values();
  ASSERT_EQ(infos.size(), values.size());
  for (std::size_t i = 0; i < infos.size(); ++i) {
    EXPECT_EQ(infos[i].default_value, values[i].second) << infos[i].name;
    EXPECT_FALSE(infos[i].help.empty()) << infos[i].name;
    EXPECT_FALSE(infos[i].allowed.empty()) << infos[i].name;
    EXPECT_NO_THROW(checked->set_parameter(values[i].first, values[i].second)) << infos[i].name;
    const std::string message =
        user_error_of([&] { checked->set_parameter(infos[i].name, "no such value"); });
    EXPECT_CONTAINS(message, infos[i].name);
  }
  EXPECT_CONTAINS(user_error_of([&] { checked->set_parameter("nonsense", "1"); }), "nonsense");
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& method : registered_methods()) all.push_back(method.info.name);
  return all;
}

/// Those that train in stages.
std::vector<std::string> names_of_networks() {
  std::vector<std::string> all;
  for (const auto& method : registered_methods())
    if (method.info.network != NetworkKind::none) all.push_back(method.info.name);
  return all;
}

std::string test_name(const ::testing::TestParamInfo<std::string>& instance) {
  std::string name = instance.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Methods, Conformance, ::testing::ValuesIn(names()), test_name);
INSTANTIATE_TEST_SUITE_P(Methods, ConformanceSlow, ::testing::ValuesIn(names_of_networks()),
                         test_name);

TEST(Registry, NamesAreUniqueAndErrorsHelp) {
  auto all = names();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  EXPECT_CONTAINS(user_error_of([] { create_method("kmean"); }), "did you mean 'kmeans'");
}

}  // namespace
}  // namespace coterie
