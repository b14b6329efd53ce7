#include "coterie/run/nearest_images.h"

#include <gtest/gtest.h>

namespace coterie {
namespace {

TEST(NearestImages, AreThoseOfTheOwnAndOfOtherClustersByDistance) {
  // On a line: cluster 0 at 0, 1, 5; cluster 1 at 2, 9; cluster 2 is empty.
  const std::vector<float> places = {0, 1, 5, 2, 9};
  const std::vector<std::int32_t> labels = {0, 0, 0, 1, 1};
  const auto found = nearest_images({places.data(), 5, 1}, labels, 3, 2, 0);
  ASSERT_EQ(found.size(), 2u);
  for (const auto& row : found) {
    using Images = std::vector<std::int64_t>;
    const std::vector<std::pair<Images, Images>> right = {
        {{1, 2}, {3, 4}}, {{0, 2}, {3, 4}}, {{1, 0}, {3, 4}}, {{4}, {1, 0}}, {{3}, {2, 1}}};
    EXPECT_EQ(row.same, right[row.image].first) << row.image;
    EXPECT_EQ(row.other, right[row.image].second) << row.image;
  }
  EXPECT_NE(labels[found[0].image], labels[found[1].image]);
}

}  // namespace
}  // namespace coterie
