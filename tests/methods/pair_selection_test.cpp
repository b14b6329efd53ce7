#include "coterie/methods/adc/pair_selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "coterie/core/random.h"

namespace coterie {
namespace {

using Key = std::pair<std::int64_t, std::int64_t>;

std::vector<Key> keys_of(const std::vector<ImagePair>& pairs) {
  std::vector<Key> keys;
  for (const auto& [a, b] : pairs) keys.push_back(std::minmax(a, b));
  return keys;
}

/// Probabilities of `images` images and `clusters` clusters, all different.
Matrix<float> made_probabilities(std::int64_t images, std::int64_t clusters) {
  Matrix<float> rows(images, clusters);
  RandomStream random(3, "probabilities");
  for (std::int64_t i = 0; i < images; ++i) {
    double sum = 0;
    for (std::int64_t k = 0; k < clusters; ++k) sum += rows(i, k) = random.uniform() + 1e-3f;
    for (std::int64_t k = 0; k < clusters; ++k) rows(i, k) /= static_cast<float>(sum);
  }
  return rows;
}

TEST(SharedBudget, TakesFloorsAndSpendsWhatTheyLeave) {
  // 10 pairs over sizes 7, 5, 3: 4.67, 3.33 and 2 give 4, 3 and 2; the one left goes to the .67.
  EXPECT_EQ(shared_budget(10, {7, 5, 3}, {6, 4, 2}), (std::vector<std::int64_t>{5, 3, 2}));
  EXPECT_EQ(shared_budget(0, {7, 5}, {6, 4}), (std::vector<std::int64_t>{0, 0}));
}

TEST(SharedBudget, GoesOnWhereThereIsRoom) {
  EXPECT_EQ(shared_budget(10, {10, 10}, {2, 9}), (std::vector<std::int64_t>{2, 8}));
  EXPECT_EQ(shared_budget(10, {3, 3}, {2, 2}), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(shared_budget(4, {0, 8}, {0, 7}), (std::vector<std::int64_t>{0, 4}));
}

TEST(PairSelection, TakesTheSurestWithTheLeastSure) {
  // Two clusters, worked by hand. Of 0: images 4, 0, 2, 1 by falling probability; of 1: 5, 3.
  Matrix<float> q(6, 2);
  const float first[] = {0.8f, 0.55f, 0.7f, 0.4f, 0.95f, 0.1f};
  for (int i = 0; i < 6; ++i) {
    q(i, 0) = first[i];
    q(i, 1) = 1 - first[i];
  }
  // 3 pairs over sizes 4 and 2 are 2 and 1.
  const auto pairs = select_pairs({.budget = 3, .rounds = 1}, {q, {}}, {});
  EXPECT_EQ(pairs, (std::vector<ImagePair>{{4, 1}, {4, 2}, {5, 3}}));
  // One was asked about: the next takes its place.
  EXPECT_EQ(select_pairs({.budget = 3, .rounds = 1}, {q, {}}, {{1, 4}}),
            (std::vector<ImagePair>{{4, 2}, {4, 0}, {5, 3}}));
}

TEST(PairSelection, RoundsTakeDisjointPartsAndNoPairTwice) {
  const auto q = made_probabilities(503, 7);
  std::vector<std::set<std::int64_t>> parts;
  std::vector<ImagePair> asked;
  for (std::int64_t round = 0; round < 5; ++round) {
    const auto pairs =
        select_pairs({.budget = 20, .round = round, .rounds = 5, .seed = 9}, {q, {}}, {});
    EXPECT_EQ(pairs.size(), 20u);
    std::set<std::int64_t> part;
    for (const auto& [a, b] : pairs) part.insert({a, b});
    for (const auto& earlier : parts)
      for (const std::int64_t image : part) EXPECT_FALSE(earlier.contains(image));
    parts.push_back(part);
    asked.insert(asked.end(), pairs.begin(), pairs.end());
  }
  const auto keys = keys_of(asked);
  EXPECT_EQ(std::set<Key>(keys.begin(), keys.end()).size(), 100u);
}

TEST(PairSelection, AllPairsOfAPartAreWithinOneCluster) {
  const auto q = made_probabilities(200, 4);
  const auto cluster = [&](std::int64_t i) {
    return std::max_element(q.row(i), q.row(i) + 4) - q.row(i);
  };
  for (const auto strategy : {PairStrategy::active, PairStrategy::check, PairStrategy::uncertain})
    for (const auto& [a, b] :
         select_pairs({.strategy = strategy, .budget = 30, .rounds = 3}, {q, q}, {}))
      EXPECT_EQ(cluster(a), cluster(b));
}

TEST(PairSelection, CheckSelectsWhatAStraightforwardSearchSelects) {
  const auto q = made_probabilities(120, 3);
  std::vector<ImagePair> asked;
  for (int round = 0; round < 4; ++round) {
    const PairQuery query{.strategy = PairStrategy::check, .budget = 12, .round = round};
    const auto pairs = select_pairs(query, {q, {}}, asked);
    // The search: for each cluster walk up from the least sure image, passing over known pairs.
    std::map<std::ptrdiff_t, std::vector<std::int64_t>> clusters;
    for (std::int64_t i = 0; i < 120; ++i)
      clusters[std::max_element(q.row(i), q.row(i) + 3) - q.row(i)].push_back(i);
    const auto keys = keys_of(asked);
    const std::set<Key> known(keys.begin(), keys.end());
    std::vector<std::int64_t> sizes, room;
    for (auto& [k, members] : clusters) {
      std::sort(members.begin(), members.end(), [&](auto a, auto b) { return q(a, k) > q(b, k); });
      sizes.push_back(static_cast<std::int64_t>(members.size()));
      room.push_back(1000);
    }
    const auto shares = shared_budget(12, sizes, room);
    std::vector<Key> expected;
    for (const auto& [k, members] : clusters) {
      std::int64_t left = shares[k];
      for (std::size_t i = members.size() - 1; i > 0 && left > 0; --i) {
        const Key key = std::minmax(members[0], members[i]);
        if (known.contains(key)) continue;
        expected.push_back(key);
        --left;
      }
    }
    EXPECT_EQ(keys_of(pairs), expected) << "round " << round;
    asked.insert(asked.end(), pairs.begin(), pairs.end());
  }
}

TEST(PairSelection, UncertainTakesTheFarthestPairs) {
  Matrix<float> q(5, 2);
  for (int i = 0; i < 5; ++i) q(i, 0) = 1;
  Matrix<float> places(5, 1);
  const float at[] = {0, 1, 4, 9, 9.5f};
  for (int i = 0; i < 5; ++i) places(i, 0) = at[i];
  const PairQuery query{.strategy = PairStrategy::uncertain, .budget = 3, .rounds = 1};
  EXPECT_EQ(keys_of(select_pairs(query, {q, places}, {})),
            (std::vector<Key>{{0, 4}, {0, 3}, {1, 4}}));
  EXPECT_EQ(keys_of(select_pairs(query, {q, places}, {{3, 0}})),
            (std::vector<Key>{{0, 4}, {1, 4}, {1, 3}}));
}

TEST(PairSelection, UncertainWithMoreClustersThanQuestionsOrFewPairsLeft) {
  // Four clusters of three images, two questions.
  Matrix<float> q(12, 4), places(12, 1);
  for (int i = 0; i < 12; ++i) {
    q(i, i % 4) = 1;
    places(i, 0) = static_cast<float>(i);
  }
  const PairQuery few{.strategy = PairStrategy::uncertain, .budget = 2, .rounds = 1};
  EXPECT_EQ(select_pairs(few, {q, places}, {}).size(), 2u);
  // The only pair of the smaller cluster is known: its share goes to the other.
  Matrix<float> uneven(12, 2);
  for (int i = 0; i < 12; ++i) uneven(i, i < 2 ? 1 : 0) = 1;
  const PairQuery three{.strategy = PairStrategy::uncertain, .budget = 3, .rounds = 1};
  EXPECT_EQ(select_pairs(three, {uneven, places}, {{0, 1}}).size(), 3u);
}

TEST(PairSelection, RandomPairsAreDifferentAndAsManyAsThereAre) {
  const auto q = made_probabilities(6, 2);
  const PairQuery query{.strategy = PairStrategy::random, .budget = 100};
  const auto keys = keys_of(select_pairs(query, {q, {}}, {{0, 1}}));
  EXPECT_EQ(keys.size(), 14u);  // 15 pairs of 6 images, one of them known
  EXPECT_EQ(std::set<Key>(keys.begin(), keys.end()).size(), 14u);
  EXPECT_EQ(std::count(keys.begin(), keys.end(), Key{0, 1}), 0);
}

TEST(PairSelection, LikelyTogetherIsTheSumOfProducts) {
  Matrix<float> q(2, 2);
  q(0, 0) = 0.75f;
  q(0, 1) = 0.25f;
  q(1, 0) = 0.5f;
  q(1, 1) = 0.5f;
  EXPECT_NEAR(likely_together({q, {}}, {0, 1}), 0.5, 1e-7);
  EXPECT_NEAR(likely_together({q, {}}, {0, 0}), 0.625, 1e-7);
}

}  // namespace
}  // namespace coterie
