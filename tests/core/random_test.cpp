#include "coterie/core/random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "testing.h"

namespace coterie {
namespace {

using Numbers = std::vector<std::uint64_t>;

Numbers first(RandomStream stream, int count) {
  Numbers out;
  for (int i = 0; i < count; ++i) out.push_back(stream.next());
  return out;
}

// From a separate program in Python: splitmix64 (checked with its published value for seed
// 1234567), FNV-1a, xoshiro256++ (checked with its published values for state 1, 2, 3, 4).
TEST(RandomStream, KnownFirstNumbers) {
  EXPECT_EQ(first({0, ""}, 4), (Numbers{1290946985979278527u, 14737107822190879966u,
                                        11048344777718426290u, 15927048222987034369u}));
  EXPECT_EQ(first({42, "kmeans"}, 4), (Numbers{4276239748335317847u, 3161562092301392423u,
                                               13304857296986577647u, 162379791025339167u}));
  EXPECT_EQ(first({42, "kmeans", 1}, 4), (Numbers{5634049928909993641u, 16508731853361771747u,
                                                  12482893421288075089u, 8365578252543237026u}));
  EXPECT_EQ(first({18446744073709551615u, "\u00e9", 7}, 4),
            (Numbers{15663138234052228784u, 11381417367275648652u, 17059715517840874960u,
                     10406828365754090437u}));
}

TEST(RandomStream, KnownDerivedNumbers) {
  RandomStream uniform(42, "kmeans"), below(42, "kmeans"), large(42, "kmeans", 2);
  EXPECT_EQ(uniform.uniform(), 0.23181542126070087);
  EXPECT_EQ(uniform.uniform(), 0.1713886244460493);
  EXPECT_EQ(uniform.uniform(), 0.72125775930012315);
  for (const std::uint64_t expected : {2, 1, 7, 0, 6, 1, 8, 3, 9, 9, 7, 1})
    EXPECT_EQ(below.below(10), expected);
  // The second of the underlying numbers is thrown away, as it would bias.
  for (const std::uint64_t expected :
       {13041691023774875939u, 10346006244282159288u, 9219127216836384068u, 1280295107726599437u})
    EXPECT_EQ(large.below(3ull << 62), expected);
  RandomStream normal(42, "kmeans");
  for (const double expected :
       {0.34431134946127706, 0.6394530242741826, 1.5959724050441666, 0.088361007444025946})
    EXPECT_NEAR(normal.normal(), expected, 1e-15);
}

TEST(RandomStream, KnownShuffle) {
  RandomStream stream(42, "shuffle");
  std::vector<int> items(10);
  std::iota(items.begin(), items.end(), 0);
  stream.shuffle(std::span(items));
  EXPECT_EQ(items, (std::vector<int>{1, 0, 8, 7, 5, 3, 6, 4, 2, 9}));
}

TEST(RandomStream, StreamsOfOtherSeedNameOrIndexDiffer) {
  std::set<std::uint64_t> seen;
  for (const char* name : {"a", "b", "ab", "ba", ""})
    for (std::uint64_t seed = 0; seed < 20; ++seed)
      for (std::uint64_t index = 0; index < 20; ++index)
        EXPECT_TRUE(seen.insert(RandomStream(seed, name, index).next()).second);
}

// Bounds below: the streams are fixed, so a test passes always or never; each bound leaves four
// standard deviations or more.
TEST(RandomStream, UniformFillsHundredBinsEvenly) {
  RandomStream stream(7, "bins");
  std::vector<double> bins(100, 0.0);
  for (int i = 0; i < 1'000'000; ++i) {
    const double value = stream.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    ++bins[static_cast<int>(value * 100)];
  }
  double chi_squared = 0;  // Mean 99, standard deviation 14.
  for (const double count : bins) chi_squared += (count - 1e4) * (count - 1e4) / 1e4;
  EXPECT_GT(chi_squared, 43);
  EXPECT_LT(chi_squared, 155);
}

TEST(RandomStream, BelowHasNoBiasAtLargeBounds) {
  // Of 2^64 numbers, four go to three results: kept all, results divisible by 3 would be half.
  RandomStream stream(7, "bias");
  std::array<int, 3> counts{};
  for (int i = 0; i < 30000; ++i) {
    const auto value = stream.below(3ull << 62);
    ASSERT_LT(value, 3ull << 62);
    ++counts[value % 3];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(RandomStream, BelowOneIsZero) {
  RandomStream stream(7, "one");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.below(1), 0u);
}

TEST(RandomStream, ShuffleGivesEveryOrderEquallyOften) {
  RandomStream stream(7, "orders");
  std::map<std::string, int> counts;
  for (int i = 0; i < 24000; ++i) {
    std::string items = "abcd";
    stream.shuffle(std::span(items.data(), items.size()));
    ++counts[items];
  }
  ASSERT_EQ(counts.size(), 24u);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 130) << order;
}

TEST(RandomStream, ShuffleOfNothingAndOfOne) {
  RandomStream stream(7, "few");
  std::vector<int> none, one = {5};
  stream.shuffle(std::span(none));
  stream.shuffle(std::span(one));
  EXPECT_EQ(one, std::vector<int>{5});
}

TEST(RandomStream, NormalMoments) {
  RandomStream stream(7, "normal");
  const int n = 1'000'000;
  double power[5] = {};
  int beyond = 0;
  for (int i = 0; i < n; ++i) {
    const double x = stream.normal();
    double term = 1;
    for (double& sum : power) sum += term, term *= x;
    beyond += std::abs(x) > 1.959963985;
  }
  EXPECT_NEAR(power[1] / n, 0, 0.004);
  EXPECT_NEAR(power[2] / n, 1, 0.006);
  EXPECT_NEAR(power[3] / n, 0, 0.016);
  EXPECT_NEAR(power[4] / n, 3, 0.04);
  EXPECT_NEAR(beyond, 50000, 900);
}

}  // namespace
}  // namespace coterie
