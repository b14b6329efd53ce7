#include "coterie/annotate/session_json.h"

#include <gtest/gtest.h>

#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;
using Numbers = std::vector<std::int32_t>;

EditedClusters edited(const Numbers& labels, std::vector<bool> merged_away) {
  return {.labels = labels, .edited = {}, .merged_away = std::move(merged_away)};
}

TEST(TrainingNumbers, StayWhereAllClustersStay) {
  EXPECT_EQ(training_numbers(edited({0, 1, 2}, {false, false, false}), {3, {0, 1, 2}, {}}),
            (Numbers{0, 1, 2}));
}

TEST(TrainingNumbers, TheLastOnesFillGaps) {
  // Cluster 1 was merged away, 4 is new: it takes 1's place, and 3 keeps its own.
  EXPECT_EQ(training_numbers(edited({0, 2, 3, 4}, {false, true, false, false, false}),
                             {4, {0, 1, 2, 3}, {}}),
            (Numbers{0, -1, 2, 3, 1}));
  // Without a new one there is one less.
  EXPECT_EQ(training_numbers(edited({0, 2, 3}, {false, true, false, false}), {4, {0, 1, 2, 3}, {}}),
            (Numbers{0, -1, 2, 1}));
}

TEST(TrainingNumbers, EmptiedClustersGoAndThoseThatWereEmptyStay) {
  // Nobody is in 1 any more; 2 was empty before.
  EXPECT_EQ(training_numbers(edited({0, 0, 3}, {false, false, false, false}), {4, {0, 1, 3}, {}}),
            (Numbers{0, -1, 2, 1}));
}

TEST(SessionJson, NamesCountCharactersNotBytes) {
  std::string euros;
  for (int i = 0; i < 100; ++i) euros += "\xe2\x82\xac";
  EXPECT_NO_THROW(check_name(euros));
  EXPECT_CONTAINS(user_error_of([&] { check_name(euros + "x"); }),
                  "101 characters; allowed are 100");
  EXPECT_CONTAINS(user_error_of([&] { check_name("\xff"); }), "not UTF-8");
}

TEST(SessionJson, PathsKeepTheirTextAndShowOtherBytes) {
  EXPECT_EQ(display_text("<img src=x onerror=alert(1)>.png"), "<img src=x onerror=alert(1)>.png");
  EXPECT_EQ(display_text("a\xff.png"), "a\\xff.png");
}

TEST(SessionJson, AContradictionCarriesItsReason) {
  const auto json =
      contradictions_json({{31, {5, 9, Link::must}, {{5, 7, Link::must}, {7, 9, Link::cannot}}}});
  EXPECT_EQ(json, nlohmann::json::parse(R"([{"event": 31, "a": 5, "b": 9, "answer": "must",
      "because": [{"a": 5, "b": 7, "answer": "must"}, {"a": 7, "b": 9, "answer": "cannot"}]}])"));
  EXPECT_EQ(contradictions_json(std::vector<Contradiction>(500)).size(), 100u);
}

TEST(SessionJson, WhatWasTakenBackComesWithoutItsConstraints) {
  EXPECT_EQ(undone_json({.kind = EventKind::pair, .a = 1, .b = 2, .answer = Answer::cannot}),
            nlohmann::json::parse(R"({"kind": "pair", "a": 1, "b": 2, "answer": "cannot"})"));
  const auto data =
      nlohmann::json::parse(R"({"images": [3], "to": 1, "must": [[3, 4]], "cannot": []})");
  EXPECT_EQ(undone_json({.kind = EventKind::move, .data = data}),
            nlohmann::json::parse(R"({"kind": "move", "images": [3], "to": 1})"));
}

}  // namespace
}  // namespace coterie
