#include "coterie/annotate/annotations.h"

#include <gtest/gtest.h>

#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;
using Labels = std::vector<std::int32_t>;
using Constraints = std::vector<Constraint>;
using Ids = std::vector<std::int64_t>;

/// Events as the store numbers them.
class Said {
 public:
  std::int64_t pair(std::int64_t a, std::int64_t b, Answer answer) {
    return add({.kind = EventKind::pair, .a = a, .b = b, .answer = answer});
  }
  std::int64_t edit(EventKind kind, nlohmann::json data) {
    return add({.kind = kind, .data = std::move(data)});
  }
  std::int64_t move(const Ids& images, std::int64_t to, nlohmann::json constraints = {}) {
    constraints["images"] = images;
    constraints["to"] = to;
    return edit(EventKind::move, constraints);
  }
  std::int64_t name(std::int64_t cluster, const std::string& name) {
    return edit(EventKind::name, {{"cluster", cluster}, {"name", name}});
  }
  void undo(std::int64_t seq) { add({.kind = EventKind::undo, .undoes = seq}); }

  std::int64_t round = 1;
  std::vector<Event> events;

 private:
  std::int64_t add(Event event) {
    event.seq = static_cast<std::int64_t>(events.size()) + 1;
    event.round = round;
    events.push_back(std::move(event));
    return events.back().seq;
  }
};

RoundClusters clustered(const Labels& labels, std::int64_t clusters) {
  return {clusters, labels, std::vector<float>(labels.size(), 0.5f)};
}

TEST(Replay, OfManyContradictionsTheFirstAreExplained) {
  Said said;
  constexpr std::int64_t kLeaves = 150;
  for (std::int64_t i = 1; i <= kLeaves; ++i) said.pair(0, i, Answer::must);
  for (std::int64_t i = 1; i <= kLeaves; ++i) said.pair(i, 0, Answer::cannot);
  const Annotations now = replay(said.events, {clustered(Labels(kLeaves + 1, 0), 1)});
  ASSERT_EQ(now.contradictions.size(), 150u);
  EXPECT_EQ(now.contradictions[99].because, (Constraints{{0, 100, Link::must}}));
  EXPECT_TRUE(now.contradictions[100].because.empty());
}

TEST(Replay, NothingSaidLeavesTheClusteringAsItIs) {
  const Annotations now = replay({}, {clustered({0, 1, 1, 0}, 2)});
  EXPECT_EQ(now.round, 1);
  EXPECT_EQ(now.clusters.labels, (Labels{0, 1, 1, 0}));
  EXPECT_EQ(now.clusters.ids(), 2);
  EXPECT_FALSE(now.labels_changed);
  EXPECT_TRUE(now.in_force.empty());
}

TEST(Replay, MovesSplitsMergesAndNamesApplyInOrder) {
  Said said;
  said.name(0, "cats");
  said.move({0, 1}, 2);
  said.edit(EventKind::split, {{"images", {2, 5}}, {"name", "new ones"}});
  said.edit(EventKind::merge, {{"from", 0}, {"into", 1}});
  const Annotations now = replay(said.events, {clustered({0, 0, 0, 0, 1, 1, 2}, 3)});
  EXPECT_EQ(now.clusters.labels, (Labels{2, 2, 3, 1, 1, 3, 2}));
  EXPECT_EQ(now.clusters.ids(), 4);
  EXPECT_FALSE(now.clusters.has(0));
  EXPECT_TRUE(now.clusters.has(3));
  EXPECT_FALSE(now.clusters.has(4));
  EXPECT_FALSE(now.clusters.has(-1));
  // The cluster that another was merged into had no name and takes that one's.
  EXPECT_EQ(now.clusters.names,
            (std::map<std::int32_t, std::string>{{1, "cats"}, {3, "new ones"}}));
  EXPECT_EQ(now.clusters.edited, (std::vector<bool>{true, true, true, false, false, true, false}));
  EXPECT_TRUE(now.labels_changed);
}

TEST(Replay, ANameAloneChangesNoLabels) {
  Said said;
  said.name(1, "dogs");
  EXPECT_FALSE(replay(said.events, {clustered({0, 1}, 2)}).labels_changed);
  said.name(1, "");
  EXPECT_TRUE(replay(said.events, {clustered({0, 1}, 2)}).clusters.names.empty());
}

TEST(Replay, UndoTakesBackAnyEventDownToTheFirst) {
  Said said;
  const auto first = said.pair(0, 1, Answer::must);
  const auto second = said.move({0}, 1);
  const auto third = said.pair(1, 2, Answer::skip);
  const std::vector<RoundClusters> rounds = {clustered({0, 0, 1}, 2)};
  EXPECT_EQ(replay(said.events, rounds).in_force, (Ids{first, second, third}));
  said.undo(third);
  said.undo(second);
  const Annotations one_left = replay(said.events, rounds);
  EXPECT_EQ(one_left.in_force, (Ids{first}));
  EXPECT_EQ(one_left.clusters.labels, (Labels{0, 0, 1}));
  EXPECT_EQ(one_left.answers.size(), 1u);
  said.undo(first);
  const Annotations none_left = replay(said.events, rounds);
  EXPECT_TRUE(none_left.in_force.empty());
  EXPECT_TRUE(none_left.constraints.taken().empty());
  EXPECT_TRUE(none_left.answers.empty());
}

TEST(Replay, WhatContradictsEarlierAnswersIsShownWithItsReasonAndNotUsed) {
  Said said;
  said.pair(5, 7, Answer::must);
  said.pair(7, 9, Answer::cannot);
  const auto wrong = said.pair(5, 9, Answer::must);
  said.pair(5, 6, Answer::skip);
  const Annotations now = replay(said.events, {clustered(Labels(10, 0), 1)});
  ASSERT_EQ(now.contradictions.size(), 1u);
  EXPECT_EQ(now.contradictions[0].event, wrong);
  EXPECT_EQ(now.contradictions[0].said, (Constraint{5, 9, Link::must}));
  EXPECT_EQ(now.contradictions[0].because, (Constraints{{5, 7, Link::must}, {7, 9, Link::cannot}}));
  EXPECT_EQ(now.constraints.taken(), (Constraints{{5, 7, Link::must}, {7, 9, Link::cannot}}));
  // Taking the cause back makes room for it.
  said.undo(2);
  EXPECT_TRUE(replay(said.events, {clustered(Labels(10, 0), 1)}).contradictions.empty());
}

TEST(Replay, WhatWasDoneLastToAnImageHolds) {
  Said said;
  said.move({0}, 1, {{"must", {{0, 3}}}, {"cannot", {{0, 1}}}});
  const std::vector<RoundClusters> rounds = {clustered({0, 0, 0, 1, 1}, 2)};
  EXPECT_EQ(replay(said.events, rounds).constraints.taken(),
            (Constraints{{0, 3, Link::must}, {0, 1, Link::cannot}}));
  said.move({0}, 0, {{"must", {{0, 1}}}, {"cannot", {{0, 3}}}});
  const Annotations back = replay(said.events, rounds);
  EXPECT_EQ(back.constraints.taken(), (Constraints{{0, 1, Link::must}, {0, 3, Link::cannot}}));
  EXPECT_TRUE(back.contradictions.empty());
}

TEST(Replay, AMergeEndsWhatKeptItsClustersApart) {
  Said said;
  said.move({0}, 1, {{"must", {{0, 3}}}, {"cannot", {{0, 1}}}});
  said.edit(EventKind::merge, {{"from", 0}, {"into", 1}, {"must", {{1, 3}}}});
  const Annotations now = replay(said.events, {clustered({0, 0, 0, 1, 1, 2}, 3)});
  EXPECT_EQ(now.constraints.taken(), (Constraints{{0, 3, Link::must}, {1, 3, Link::must}}));
  EXPECT_TRUE(now.contradictions.empty());
}

TEST(Replay, AMoveInALaterRoundReplacesThatOfAnEarlierOne) {
  Said said;
  said.move({0}, 1, {{"must", {{0, 3}}}, {"cannot", {{0, 1}}}});
  said.move({2}, 1, {{"must", {{2, 3}}}});
  said.round = 2;
  said.move({0}, 0, {{"must", {{0, 1}}}});
  const RoundClusters first = clustered({0, 0, 0, 1, 1}, 2);
  const Annotations now = replay(said.events, {first, clustered({1, 0, 1, 1, 1}, 2)});
  EXPECT_EQ(now.round, 2);
  EXPECT_EQ(now.clusters.labels, (Labels{0, 0, 1, 1, 1}));
  // Image 2 was left where the first round put it.
  EXPECT_EQ(now.constraints.taken(), (Constraints{{2, 3, Link::must}, {0, 1, Link::must}}));
}

TEST(Replay, EditsOfEarlierRoundsAreNoEditsOfThisOne) {
  Said said;
  said.move({0}, 1, {{"must", {{0, 3}}}});
  const RoundClusters clusters = clustered({0, 0, 0, 1}, 2);
  const Annotations now = replay(said.events, {clusters, clusters});
  EXPECT_FALSE(now.labels_changed);
  EXPECT_EQ(now.clusters.labels, clusters.labels);
  EXPECT_FALSE(now.clusters.edited[0]);
  EXPECT_EQ(now.constraints.taken().size(), 1u);  // What was said stays said.
}

TEST(Replay, NamesGoWhereMostImagesWent) {
  Said said;
  said.name(0, "cats");
  said.name(1, "dogs");
  said.name(2, "birds");
  const RoundClusters first = clustered({0, 0, 0, 0, 1, 1, 1, 2, 2}, 3);
  // Cats: three of four are in 2 now. Dogs: two of three are there as well, fewer than the cats.
  // Birds: both in 0.
  const RoundClusters second = clustered({2, 2, 2, 1, 2, 2, 1, 0, 0}, 3);
  const Annotations now = replay(said.events, {first, second});
  EXPECT_EQ(now.clusters.names, (std::map<std::int32_t, std::string>{{0, "birds"}, {2, "cats"}}));
}

TEST(Replay, NamesPassOnAsTheEditsLeftThem) {
  Said said;
  said.edit(EventKind::split, {{"images", {0, 1}}, {"name", "kittens"}});
  const Annotations now =
      replay(said.events, {clustered({0, 0, 0, 0, 1}, 2), clustered({1, 1, 0, 0, 2}, 3)});
  EXPECT_EQ(now.clusters.names, (std::map<std::int32_t, std::string>{{1, "kittens"}}));
}

TEST(Replay, TakenBackAnswersOfEarlierRoundsAreAskedAgain) {
  Said said;
  const auto first = said.pair(0, 1, Answer::must);
  const auto second = said.pair(2, 3, Answer::skip);
  const RoundClusters clusters = clustered({0, 0, 1, 1}, 2);
  said.round = 2;
  const auto third = said.pair(1, 2, Answer::cannot);
  said.undo(third);
  said.undo(second);
  said.undo(first);
  EXPECT_EQ(replay(said.events, {clusters, clusters}).reopened,
            (std::vector<ImagePair>{{2, 3}, {0, 1}}));
  EXPECT_TRUE(replay(said.events, {clusters}).reopened.empty());
}

TEST(Replay, RefusesEventsThatNameWhatIsNotThere) {
  const std::vector<RoundClusters> rounds = {clustered({0, 0, 1, 1}, 2)};
  const auto refusal = [&](auto what) {
    Said said;
    what(said);
    return user_error_of([&] { replay(said.events, rounds); });
  };
  EXPECT_CONTAINS(refusal([](Said& s) { s.pair(0, 4, Answer::must); }),
                  "constraints.db: event 1 (pair) names image 4, allowed is 0 to 3");
  EXPECT_CONTAINS(refusal([](Said& s) { s.move({0}, 2); }), "names cluster 2, which is not there");
  EXPECT_CONTAINS(refusal([](Said& s) { s.move({4}, 1); }), "names image 4");
  EXPECT_CONTAINS(refusal([](Said& s) { s.move({0}, 1, {{"must", {{0, 9}}}}); }), "names image 9");
  EXPECT_CONTAINS(refusal([](Said& s) {
                    s.move({0}, 1, {{"must", {{0}}}});
                  }),
                  "holds damaged constraints");
  EXPECT_CONTAINS(refusal([](Said& s) {
                    s.edit(EventKind::merge, {{"from", 0}});
                  }),
                  "lacks what it needs");
  EXPECT_CONTAINS(refusal([](Said& s) {
                    s.edit(EventKind::merge, {{"from", 0}, {"into", 1}});
                    s.move({3}, 0);
                  }),
                  "names cluster 0");
  EXPECT_CONTAINS(refusal([](Said& s) { s.undo(1); }), "takes back event 1, which it cannot");
  EXPECT_CONTAINS(refusal([](Said& s) {
                    s.name(0, "a");
                    s.undo(1);
                    s.undo(1);
                  }),
                  "event 3 (undo) takes back event 1");
  EXPECT_CONTAINS(refusal([](Said& s) {
                    s.name(0, "a");
                    s.undo(1);
                    s.undo(2);
                  }),
                  "takes back event 2");
}

}  // namespace
}  // namespace coterie
