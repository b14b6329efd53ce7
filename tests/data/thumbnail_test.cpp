#include "coterie/data/thumbnail.h"

#include "testing.h"

namespace coterie {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(Thumbnail, AtItsOwnSizeTheImageIsTheSame) {
  const Bytes image = {0, 1, 2, 3, 4, 5};
  EXPECT_EQ(thumbnail(image, {1, 2, 3}, {3, 2}).pixels, image);
}

TEST(Thumbnail, ColourPlanesBecomeColourPixels) {
  const Bytes image = {1, 2, 10, 20, 100, 200};
  const PngImage out = thumbnail(image, {3, 1, 2}, {2, 1});
  EXPECT_EQ(out.pixels, (Bytes{1, 10, 100, 2, 20, 200}));
  EXPECT_EQ(out.channels, 3);
}

TEST(Thumbnail, EachPixelIsTheMeanOfWhatItCovers) {
  EXPECT_EQ(thumbnail(Bytes{0, 10, 20, 30, 100, 110, 120, 150}, {1, 2, 4}, {2, 1}).pixels,
            (Bytes{55, 80}));
  // Three pixels on two: (0 + 90 / 2) / 1.5 and (90 / 2 + 255) / 1.5.
  EXPECT_EQ(thumbnail(Bytes{0, 90, 255}, {1, 1, 3}, {2, 1}).pixels, (Bytes{30, 200}));
  EXPECT_EQ(thumbnail(Bytes{0, 90, 255}, {1, 3, 1}, {1, 2}).pixels, (Bytes{30, 200}));
}

TEST(Thumbnail, AFlatImageStaysFlatAtAnyScale) {
  const Bytes image(224 * 224, 255);
  EXPECT_EQ(thumbnail(image, {1, 224, 224}, {96, 96}).pixels, Bytes(96 * 96, 255));
}

TEST(ThumbnailSize, IsTheImagesOwnUpTo96Pixels) {
  constexpr std::int64_t kPlenty = 1'000'000'000;
  const auto size = [](ImageShape shape) {
    const ThumbnailSize found = thumbnail_size(shape, 100, kPlenty);
    return std::pair(found.width, found.height);
  };
  EXPECT_EQ(size({1, 28, 28}), std::pair(28L, 28L));
  EXPECT_EQ(size({3, 96, 96}), std::pair(96L, 96L));
  EXPECT_EQ(size({3, 224, 224}), std::pair(96L, 96L));
  EXPECT_EQ(size({1, 50, 200}), std::pair(96L, 24L));
  EXPECT_EQ(size({1, 1, 5000}), std::pair(96L, 1L));
}

TEST(ThumbnailSize, ManyImagesAreSmallerAndStayInTheBudget) {
  constexpr std::int64_t kBudget = 14'000'000;
  std::int64_t last = 97;
  for (const std::int64_t count : {24, 240, 1200, 2400, 12000}) {
    const ThumbnailSize size = thumbnail_size({3, 96, 96}, count, kBudget);
    EXPECT_LE(size.width, last);
    last = size.width;
    // Base64 of pixels and of a PNG's frame.
    EXPECT_LE(count * (size.width * size.height * 3 + size.height + 80) * 4 / 3, kBudget) << count;
  }
  EXPECT_EQ(thumbnail_size({3, 96, 96}, 240, kBudget).width, 96);
  EXPECT_LT(last, 30);
  EXPECT_GE(last, 10);
}

}  // namespace
}  // namespace coterie
