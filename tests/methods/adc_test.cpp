#include "coterie/methods/adc/adc.h"

#include <gtest/gtest.h>

#include <set>

#include "coterie/metrics/scores.h"
#include "methods/three_kinds.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::ToyImages;
using testing::user_error_of;

Oracle truth_of(const ToyImages& images) {
  return [&images](const std::vector<ImagePair>& pairs) {
    std::vector<Constraint> answers;
    for (const auto& [a, b] : pairs)
      answers.push_back({a, b, images.truth[a] == images.truth[b] ? Link::must : Link::cannot});
    return answers;
  };
}

std::unique_ptr<Method> small_adc() {
  auto method = make_adc();
  // On so small images a step is cheap.
  for (const auto& [name, value] : {std::pair{"epochs", "10"},
                                    {"batch_size", "8"},
                                    {"rounds", "2"},
                                    {"budget", "15"},
                                    {"cluster_epochs", "3"},
                                    {"side", "8"}})
    method->set_parameter(name, value);
  return method;
}

TEST(ActiveClustering, FindsThreeKindsOfImagesFromAnswers) {
  const ToyImages images(60);
  const Clustering found =
      small_adc()->fit(images.data, {.clusters = 3, .seed = 1, .oracle = truth_of(images)});
  EXPECT_EQ(accuracy(found.labels, images.truth), 1.0);
}

TEST(ActiveClusteringSlow, AnswersDecideWhichKindsGoTogether) {
  // Of the three ways to put two of the kinds together, images alone speak for one at most.
  for (const std::int32_t alone : {0, 1, 2}) {
    ToyImages images(60);
    for (auto& kind : images.truth) kind = kind == alone;
    auto method = small_adc();
    method->set_parameter("epochs", "30");
    const Clustering found =
        method->fit(images.data, {.clusters = 2, .seed = 1, .oracle = truth_of(images)});
    EXPECT_EQ(accuracy(found.labels, images.truth), 1.0) << alone;
  }
}

TEST(ActiveClusteringSlow, AsksItsBudgetInEachRoundAndNoPairTwice) {
  const ToyImages images(60);
  std::set<std::pair<std::int64_t, std::int64_t>> asked;
  std::vector<std::size_t> rounds;
  FitContext context{.clusters = 3, .seed = 1};
  context.oracle = [&](const std::vector<ImagePair>& pairs) {
    rounds.push_back(pairs.size());
    for (const auto& [a, b] : pairs) EXPECT_TRUE(asked.insert(std::minmax(a, b)).second);
    return truth_of(images)(pairs);
  };
  std::vector<nlohmann::json> lines;
  context.record = [&](const nlohmann::json& line) {
    if (line.at("stage") == "answers") lines.push_back(line);
  };
  small_adc()->fit(images.data, context);
  EXPECT_EQ(rounds, (std::vector<std::size_t>{15, 15}));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1].at("asked"), 30);
  EXPECT_EQ(lines[1].at("must").get<int>() + lines[1].at("cannot").get<int>(), 30);
}

TEST(ActiveClusteringSlow, LearnsFromConstraintsThatWereGiven) {
  const ToyImages images(60);
  std::vector<ImagePair> pairs;
  for (std::int64_t i = 0; i + 7 < 60; i += 2) {
    pairs.push_back({i, i + 7});
    pairs.push_back({i, (i + 3) % 60});
  }
  FitContext context{.clusters = 3, .seed = 1};
  context.corrections.constraints = truth_of(images)(pairs);
  const Clustering found = small_adc()->fit(images.data, context);
  EXPECT_EQ(accuracy(found.labels, images.truth), 1.0);
}

TEST(ActiveClustering, LeavesOutAnswersThatContradictEarlierOnes) {
  const ToyImages images(60);
  FitContext context{.clusters = 3, .seed = 1};
  context.corrections.constraints = {{0, 3, Link::must},
                                     {3, 6, Link::must},
                                     {0, 1, Link::cannot},
                                     {6, 0, Link::cannot},
                                     {6, 1, Link::must}};
  nlohmann::json last;
  context.record = [&](const nlohmann::json& line) {
    if (line.at("stage") == "answers") last = line;
  };
  small_adc()->fit(images.data, context);
  EXPECT_EQ(last.at("must"), 2);
  EXPECT_EQ(last.at("cannot"), 1);
}

TEST(ActiveClustering, SaysThatThereIsNobodyToAsk) {
  const ToyImages images(60);
  EXPECT_CONTAINS(user_error_of([&] { small_adc()->fit(images.data, {.clusters = 3}); }),
                  "--oracle");
  FitContext silent{.clusters = 3};
  silent.oracle = [](const std::vector<ImagePair>&) { return std::vector<Constraint>(); };
  EXPECT_CONTAINS(user_error_of([&] { small_adc()->fit(images.data, silent); }), "15");
}

}  // namespace
}  // namespace coterie
