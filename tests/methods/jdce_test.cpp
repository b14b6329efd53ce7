// What jdce does beyond what the conformance test sees.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "coterie/core/safetensors.h"
#include "coterie/methods/jdce/base_clusterings.h"
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
using JdceOptions = std::map<std::string, std::string>;

/// jdce, or another method on a backbone, on 60 images of three kinds.
struct JdceTraining {
  explicit JdceTraining(const JdceOptions& settings, const std::string& name = "jdce")
      : method(create_method(name)) {
    JdceOptions all = {{"batch_size", "20"}, {"side", "16"}};
    if (name == "jdce")
      all.insert(
          {{"epochs", "2"}, {"iterations", "2"}, {"members", "3"}, {"learning_rate", "0.001"}});
    for (const auto& [key, value] : settings) all[key] = value;
    for (const auto& [key, value] : all) method->set_parameter(key, value);
    context.record = [this](const nlohmann::json& line) { history.push_back(line); };
  }
  Clustering run() { return method->fit(images.data, context); }
  double score() { return accuracy(run().labels, images.truth); }
  std::vector<nlohmann::json> lines_of(const std::string& stage) const {
    std::vector<nlohmann::json> lines;
    std::copy_if(history.begin(), history.end(), std::back_inserter(lines),
                 [&](const auto& line) { return line.at("stage") == stage; });
    return lines;
  }

  ToyImages images{60};
  FitContext context{.clusters = 3, .seed = 1};
  std::unique_ptr<Method> method;
  std::vector<nlohmann::json> history;
};

TEST(BaseClusterings, TheMostDifferentOrTheMostAlikeStayHandWorked) {
  // Two equal ones, one like them but for a row, one that shares nothing with them.
  const std::vector<std::int32_t> halves = {0, 0, 0, 0, 1, 1, 1, 1};
  const std::vector<std::int32_t> nearly = {0, 0, 0, 1, 1, 1, 1, 1};
  const std::vector<std::int32_t> across = {0, 1, 0, 1, 0, 1, 0, 1};
  BaseClusterings candidates{{halves, across, halves, nearly}, {}};
  const auto nmi = mean_nmi_to_others(candidates.labels);
  const double near = normalized_mutual_information(halves, nearly);
  EXPECT_NEAR(nmi[0], (0 + 1 + near) / 3, 1e-12);
  EXPECT_NEAR(nmi[1], normalized_mutual_information(across, nearly) / 3, 1e-12);
  BaseClusterings alike = candidates;
  keep_bases(alike, 2, KeptBases::alike);
  EXPECT_EQ(alike.labels, (std::vector<std::vector<std::int32_t>>{halves, halves}));
  keep_bases(candidates, 2, KeptBases::diverse);
  EXPECT_EQ(candidates.labels, (std::vector<std::vector<std::int32_t>>{across, nearly}));
  keep_bases(candidates, 5, KeptBases::diverse);
  EXPECT_EQ(candidates.labels.size(), 2u);
}

/// Settings as the paper has them, but for `own`.
JdceOptions paper(JdceOptions own) {
  own.insert({{"bases", "dropout"}, {"kept", "diverse"}, {"contrast", "0"}, {"earlier", "0"}});
  return own;
}

/// A run of cc that finds the three kinds, for all of them to start from.
class JdceSlow : public ::testing::Test {
 protected:
  JdceSlow() {
    JdceTraining cc(JdceOptions{{"epochs", "30"}}, "cc");
    EXPECT_EQ(cc.score(), 1.0);
    write_safetensors(folder_ / "cc.safetensors", cc.method->save().tensors);
  }
  TemporaryFolder folder_;
};

TEST_F(JdceSlow, EveryVariantKeepsTheThreeKindsThatItStartsFrom) {
  for (const JdceOptions& settings :
       {JdceOptions{}, JdceOptions{{"soft", "true"}}, JdceOptions{{"labels", "head"}},
        JdceOptions{{"bases", "kmeans"}}, JdceOptions{{"bases", "layers"}},
        JdceOptions{{"bases", "kmeans"}, {"soft", "true"}}, paper({}), paper({{"soft", "true"}}),
        paper({{"unit_columns", "true"}}), paper({{"matched", "false"}, {"epochs", "30"}}),
        paper({{"augment", "true"}}), paper({{"joint", "false"}}), paper({{"threshold", "0.5"}}),
        paper({{"contrast", "0.5"}}), paper({{"bases", "heads"}, {"head_epochs", "30"}})}) {
    JdceTraining training(settings);
    training.context.init_from = folder_ / "cc.safetensors";
    EXPECT_EQ(training.score(), 1.0) << nlohmann::json(settings).dump();
    EXPECT_TRUE(training.lines_of("contrast").empty());
  }
}

TEST_F(JdceSlow, OptionsOfATrainingThatAnotherRunHasDoneAreNamed) {
  for (const std::string bases : {"kmeans", "heads"}) {
    JdceTraining training(JdceOptions{
        {"bases", bases}, {"balance", "2"}, {"pretrain_epochs", "3"}, {"head_epochs", "30"}});
    training.context.init_from = folder_ / "cc.safetensors";
    Warnings warnings;
    training.context.progress = &warnings;
    training.run();
    EXPECT_CONTAINS(warnings.all(), "pretrain_epochs has no effect");
    EXPECT_EQ(warnings.all().find("balance has no effect") == std::string::npos, bases == "heads");
  }
}

TEST_F(JdceSlow, ClustersOfKMeansHaveTheNumbersOfTheHead) {
  JdceTraining by_head(JdceOptions{{"labels", "head"}}), by_kmeans({});
  for (JdceTraining* training : {&by_head, &by_kmeans})
    training->context.init_from = folder_ / "cc.safetensors";
  EXPECT_EQ(by_kmeans.run().labels, by_head.run().labels);
}

TEST_F(JdceSlow, SnapshotsHaveProbabilitiesOnlyWhereTheHeadDecides) {
  for (const std::string decides : {"kmeans", "head"}) {
    JdceTraining training(JdceOptions{{"labels", decides}});
    training.context.init_from = folder_ / "cc.safetensors";
    int seen = 0;
    training.context.snapshots = {
        {1}, training.images.data, [&](const std::string&, std::int64_t, const Clustering& now) {
          ++seen;
          EXPECT_EQ(now.embeddings.rows(), 60);
          EXPECT_EQ(now.probabilities.rows(), decides == "head" ? 60 : 0);
        }};
    EXPECT_EQ(training.run().probabilities.rows(), 60);
    EXPECT_EQ(seen, 1);
  }
}

TEST(Jdce, GoesOnWithTheBasesItBeganWithAlone) {
  TemporaryFolder folder;
  CancelToken cancel;
  const auto give = [&](JdceTraining& training, std::int32_t label_of_first) {
    training.context.bases.assign(1, std::vector<std::int32_t>(60));
    training.context.bases[0][0] = label_of_first;
    training.context.checkpoints = folder / "checkpoints";
  };
  JdceTraining stopped({}), other({});
  give(stopped, 1);
  stopped.context.cancel = &cancel;
  stopped.context.record = [&](const nlohmann::json&) { cancel.cancel(); };
  EXPECT_THROW(stopped.run(), Interrupted);
  give(other, 2);
  EXPECT_CONTAINS(user_error_of([&] { other.run(); }), "bases");
}

TEST_F(JdceSlow, TheRecordTellsWhatEachEnsembleDid) {
  JdceTraining training({});
  training.context.init_from = folder_ / "cc.safetensors";
  training.context.score = [&](const std::vector<std::int32_t>& labels) {
    return nlohmann::json{{"acc", accuracy(labels, training.images.truth)}};
  };
  training.run();
  const auto lines = training.lines_of("consensus");
  ASSERT_EQ(lines.size(), 2u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& line = lines[i];
    const auto& bases = line.at("bases");
    const std::size_t members = i == 0 ? 3 : 6;  // the second has those of the first too
    ASSERT_EQ(bases.at("alpha").size(), members);
    double sum = 0;
    for (const double alpha : bases.at("alpha")) sum += alpha;
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_EQ(bases.at("nmi_to_others").size(), members);
    EXPECT_EQ(bases.at("nmi_to_consensus").size(), members);
    EXPECT_EQ(bases.at("scores").size(), members);
    const std::vector<double> losses = bases.at("losses_of_passes");
    EXPECT_EQ(static_cast<int>(losses.size()), line.at("passes").get<int>());
    for (std::size_t p = 1; p < losses.size(); ++p)
      EXPECT_LE(losses[p], losses[p - 1] * (1 + 1e-12));
    EXPECT_EQ(line.at("consensus_scores").at("acc"), 1.0);
    EXPECT_EQ(bases.at("origin").at(0), "own");
    EXPECT_EQ(bases.at("origin").back(), i == 0 ? "own" : "earlier");
    const std::vector<double> nmi = bases.at("nmi_to_consensus");
    EXPECT_NEAR(line.at("consensus_nmi_to_bases").get<double>(),
                std::accumulate(nmi.begin(), nmi.end(), 0.0) / static_cast<double>(members), 1e-12);
  }
  EXPECT_EQ(training.lines_of("ensemble").size(), 4u);
  EXPECT_EQ(training.method->statistics().at("head_scores").at("acc"), 1.0);
}

TEST_F(JdceSlow, OneEnsembleBeforeIsOneWhateverWasGiven) {
  // Of four bases three are given: each ensemble makes one, and has that of the one before.
  JdceTraining training(JdceOptions{{"members", "4"}, {"iterations", "4"}, {"epochs", "1"}});
  training.context.init_from = folder_ / "cc.safetensors";
  training.context.bases.assign(3, std::vector<std::int32_t>(60));
  for (auto& labels : training.context.bases)
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i / 20);
  training.run();
  std::vector<std::size_t> bases;
  for (const auto& line : training.lines_of("consensus"))
    bases.push_back(line.at("bases").at("alpha").size());
  EXPECT_EQ(bases, (std::vector<std::size_t>{4, 5, 5, 5}));
}

TEST_F(JdceSlow, WhatIsLearnedOfAConsensusIsInTheRecord) {
  // The numbers of a consensus are those that the head has already, and sure images alone count.
  JdceTraining matched(JdceOptions{{"learning_rate", "0.0001"}, {"epochs", "1"}});
  matched.context.init_from = folder_ / "cc.safetensors";
  matched.run();
  EXPECT_GT(matched.lines_of("ensemble")[0].at("losses").at("agreement").get<double>(), 0.9);
  JdceTraining unsure(JdceOptions{{"threshold", "1"}, {"epochs", "1"}});
  unsure.context.init_from = folder_ / "cc.safetensors";
  unsure.run();
  EXPECT_LT(unsure.lines_of("ensemble")[0].at("losses").at("sure").get<double>(), 1);
}

TEST_F(JdceSlow, TwoStepsLearnOneConsensusForAsLong) {
  JdceTraining training(JdceOptions{{"joint", "false"}});
  training.context.init_from = folder_ / "cc.safetensors";
  training.run();
  EXPECT_EQ(training.lines_of("consensus").size(), 1u);
  EXPECT_EQ(training.lines_of("ensemble").size(), 4u);
}

TEST_F(JdceSlow, GivenBasesTakePartInEachConsensus) {
  // Five of clusterings that part the kinds otherwise outvote the network's own one.
  std::vector<std::int32_t> other(60);
  for (std::size_t i = 0; i < other.size(); ++i) other[i] = static_cast<std::int32_t>(i / 20);
  for (const std::size_t given : {1u, 5u}) {
    JdceTraining training(
        JdceOptions{{"members", "3"}, {"epochs", "60"}, {"iterations", "1"}, {"contrast", "0"}});
    training.context.init_from = folder_ / "cc.safetensors";
    training.context.bases.assign(given, other);
    const Clustering found = training.run();
    for (const auto& line : training.lines_of("consensus")) {
      EXPECT_EQ(line.at("bases").at("alpha").size(), std::max<std::size_t>(given, 3));
      EXPECT_EQ(line.at("bases").at("nmi_to_consensus")[0] == 1.0, given == 5);
    }
    const double found_kinds = accuracy(found.labels, training.images.truth);
    EXPECT_TRUE(given == 1 ? found_kinds > 0.9 : found_kinds < 0.9) << found_kinds;
  }
}

TEST(Jdce, GivenBasesHaveNoProbabilities) {
  JdceTraining training(JdceOptions{{"soft", "true"}});
  training.context.bases.assign(1, std::vector<std::int32_t>(60));
  EXPECT_CONTAINS(user_error_of([&] { training.run(); }), "--bases");
}

TEST(Jdce, WithoutPretrainingAndClustersItSaysWhatIsMissing) {
  JdceTraining training(JdceOptions{{"pretrain_epochs", "0"}});
  EXPECT_CONTAINS(user_error_of([&] { training.run(); }), "--init-from");
  JdceTraining wrong(JdceOptions{{"least_dropout", "0.6"}, {"most_dropout", "0.5"}});
  EXPECT_CONTAINS(user_error_of([&] { wrong.run(); }), "above most_dropout");
}

TEST(Jdce, TruthIsForTheRecordAlone) {
  const JdceOptions settings = {{"pretrain_epochs", "2"}, {"soft", "true"}};
  const Clustering blind = JdceTraining(settings).run();
  JdceTraining seeing(settings);
  seeing.context.score = [&](const std::vector<std::int32_t>&) {
    return nlohmann::json{{"acc", 0.0}};
  };
  EXPECT_EQ(seeing.run().labels, blind.labels);
}

}  // namespace
}  // namespace coterie
