#include "coterie/report/scatter_picture.h"

#include <vector>

#include "testing.h"

namespace coterie {
namespace {

std::string picture(const std::vector<float>& positions, const std::vector<int>& colours,
                    std::int64_t most = 100) {
  return scatter_picture({positions.data(), static_cast<std::int64_t>(colours.size()), 2}, colours,
                         most, "three dots");
}

TEST(ScatterPicture, PutsDotsWhereTheyAre) {
  // The longer side, 10 wide, takes 970 units between margins of 15; y points up.
  const std::string svg = picture({0, 0, 10, 5, 5, 0}, {0, 3, 0});
  EXPECT_CONTAINS(svg, "viewBox=\"0 0 1000 515\"");
  EXPECT_CONTAINS(svg, "<path class=\"c0\" d=\"M15 500h0M500 500h0\"/>");
  EXPECT_CONTAINS(svg, "<path class=\"c3\" d=\"M985 15h0\"/>");
  EXPECT_CONTAINS(svg, "role=\"img\" aria-label=\"three dots\"");
}

TEST(ScatterPicture, TakesEveryNthOfMany) {
  std::vector<float> positions;
  for (int i = 0; i < 100; ++i) positions.insert(positions.end(), {static_cast<float>(i), 0});
  const std::string svg = picture(positions, std::vector<int>(100, 1), 4);
  // Points 0, 25, 50 and 75 of a line from 0 to 99.
  EXPECT_CONTAINS(svg, "d=\"M15 15h0M260 15h0M505 15h0M750 15h0\"");
}

TEST(ScatterPicture, OnePlaceAndTheLargestSpanAreDrawnToo) {
  EXPECT_CONTAINS(picture({7, 7, 7, 7}, {0, 0}), "viewBox=\"0 0 30 30\"");
  const std::string svg = picture({-3e38f, 0, 3e38f, 0}, {0, 0});
  EXPECT_CONTAINS(svg, "M15 15h0M985 15h0");
}

}  // namespace
}  // namespace coterie
