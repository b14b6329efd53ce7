#include "coterie/run/oracle.h"

#include <gtest/gtest.h>

#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;

TEST(TruthOracle, SaysWhatTheClassesSay) {
  Dataset data;
  data.truth = {0, 1, 0, 1};
  const auto answers = truth_oracle(data, 0, 7)({{0, 2}, {0, 1}, {3, 1}});
  EXPECT_EQ(answers, (std::vector<Constraint>{
                         {0, 2, Link::must}, {0, 1, Link::cannot}, {3, 1, Link::must}}));
}

TEST(TruthOracle, IsWrongInItsShareAndAlwaysTheSame) {
  Dataset data;
  data.truth.assign(400, 0);
  std::vector<ImagePair> pairs;
  for (std::int64_t i = 0; i < 400; ++i)
    for (std::int64_t j = i + 1; j < 400; j += 40) pairs.push_back({i, j});
  const Oracle oracle = truth_oracle(data, 0.25, 7);
  const auto answers = oracle(pairs);
  EXPECT_EQ(oracle(pairs), answers);
  double wrong = 0;
  for (const auto& answer : answers) wrong += answer.link == Link::cannot;
  // 2,200 draws: four standard deviations are 0.037.
  EXPECT_NEAR(wrong / static_cast<double>(answers.size()), 0.25, 0.037);
  // Turned round it is the same pair.
  EXPECT_EQ(oracle({{pairs[5].b, pairs[5].a}})[0].link, answers[5].link);
}

TEST(TruthOracle, NeedsGroundTruth) {
  Dataset data;
  data.source = "photos";
  EXPECT_CONTAINS(user_error_of([&] { truth_oracle(data, 0, 0); }), "photos");
}

TEST(ConstraintOracle, AnswersWhatFollows) {
  const Oracle oracle =
      constraint_oracle({{0, 1, Link::must}, {1, 2, Link::must}, {2, 3, Link::cannot}}, 6);
  EXPECT_EQ(oracle({{0, 2}, {3, 0}, {4, 5}}),
            (std::vector<Constraint>{{0, 2, Link::must}, {3, 0, Link::cannot}}));
}

}  // namespace
}  // namespace coterie
