#include "coterie/run/duplicates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "testing.h"

namespace coterie {
namespace {

using namespace testing;

/// Unit vectors at angles in degrees, and an image of two pixels for each.
class Circle {
 public:
  void add(double angle, std::uint8_t pixel) {
    rows_.push_back(static_cast<float>(std::cos(angle * std::numbers::pi / 180)));
    rows_.push_back(static_cast<float>(std::sin(angle * std::numbers::pi / 180)));
    pixels_.insert(pixels_.end(), {pixel, 0});
  }
  std::int64_t size() const { return static_cast<std::int64_t>(pixels_.size() / 2); }
  Duplicates find(double threshold) const {
    return find_duplicates({.count = size(), .pixels = pixels_.data(), .shape = {1, 1, 2}},
                           {rows_.data(), size(), 2}, threshold);
  }

 private:
  std::vector<float> rows_;
  std::vector<std::uint8_t> pixels_;
};

double cosine(double degrees) { return std::cos(degrees * std::numbers::pi / 180); }

TEST(Duplicates, GroupsAreWhatPairsConnect) {
  Circle circle;
  circle.add(90, 0);
  circle.add(0, 1);
  circle.add(1, 2);    // near to the one before
  circle.add(180, 3);  // alone
  circle.add(2, 4);    // near to id 2, and through it to id 1
  circle.add(91, 5);   // near to id 0
  circle.add(270, 3);  // the pixels of id 3, whatever its embedding
  const Duplicates found = circle.find(cosine(1.5));
  EXPECT_EQ(found.groups, 3);
  ASSERT_EQ(found.rows.size(), 7u);
  const std::int64_t groups[] = {0, 0, 1, 1, 1, 2, 2}, ids[] = {0, 5, 1, 2, 4, 3, 6};
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(found.rows[i].group, groups[i]) << i;
    EXPECT_EQ(found.rows[i].id, ids[i]) << i;
    EXPECT_EQ(found.rows[i].exact, i >= 5) << i;
    EXPECT_NEAR(found.rows[i].similarity, i >= 5 ? 1 : cosine(1), 1e-6) << i;
  }
}

TEST(Duplicates, ManyCopiesDoNotHideANearOne) {
  Circle circle;
  for (int i = 0; i < 30; ++i) circle.add(0, 7);  // more copies than neighbours are looked at
  circle.add(1, 8);
  circle.add(90, 9);
  const Duplicates found = circle.find(cosine(1.5));
  EXPECT_EQ(found.groups, 1);
  ASSERT_EQ(found.rows.size(), 31u);
  EXPECT_FALSE(found.rows[30].exact);
  EXPECT_EQ(found.rows[30].id, 30);
}

TEST(Duplicates, TheThresholdIsATenthOfTheUsualDistance) {
  Circle circle;
  for (int i = 0; i < 36; ++i) circle.add(10 * i, static_cast<std::uint8_t>(i));
  circle.add(1, 100);    // 1 - cosine is a hundredth of the usual
  circle.add(104, 101);  // and here a sixth
  const Duplicates found = circle.find(0);
  EXPECT_NEAR(1 - found.threshold, 0.1 * (1 - cosine(10)), 1e-6);
  ASSERT_EQ(found.rows.size(), 2u);
  EXPECT_EQ(found.rows[0].id, 0);
  EXPECT_EQ(found.rows[1].id, 36);
  EXPECT_NEAR(found.rows[1].similarity, cosine(1), 1e-6);
}

TEST(Duplicates, FeaturesThatAreEqual) {
  const std::vector<float> rows = {1, 2, -2, 1, 1, 2, 5, -1};
  const Duplicates found =
      find_duplicates({.count = 4, .features = {rows.data(), 4, 2}}, {rows.data(), 4, 2}, 1);
  ASSERT_EQ(found.rows.size(), 2u);
  EXPECT_EQ(found.rows[0].id, 0);
  EXPECT_EQ(found.rows[1].id, 2);
  EXPECT_TRUE(found.rows[0].exact && found.rows[1].exact);
}

TEST(Duplicates, AllAlikeOrAlone) {
  Circle same;
  for (int i = 0; i < 5; ++i) same.add(0, 1);
  EXPECT_EQ(same.find(0).groups, 1);
  EXPECT_EQ(same.find(0).rows.size(), 5u);
  Circle one;
  one.add(0, 1);
  EXPECT_EQ(one.find(0).groups, 0);
  EXPECT_CONTAINS(user_error_of([&] { one.find(1.5); }), "0 to 1");
  EXPECT_CONTAINS(user_error_of([&] { one.find(NAN); }), "0 to 1");
}

}  // namespace
}  // namespace coterie
