#include "coterie/methods/view_grid.h"

#include <algorithm>
#include <set>

#include "coterie/core/random.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;

constexpr std::int64_t kCell = 2 * 32 + 4;  // 32 pixels twice as large, two of white on each side

struct Noise {
  explicit Noise(std::int64_t count, ImageShape shape = {3, 32, 32}) {
    RandomStream random(2, "noise");
    for (std::int64_t i = 0; i < count * shape.pixels(); ++i)
      pixels.push_back(static_cast<std::uint8_t>(random.below(250)));
    data = {count, pixels.data(), shape, {}};
  }
  std::vector<std::uint8_t> pixels;
  TrainingData data;
};

/// Which image the first cell of a row of the picture shows, pixel by pixel, or -1.
std::int64_t shown(const TrainingData& data, const PngImage& picture, std::int64_t row) {
  const auto equal = [&](std::int64_t image) {
    for (std::int64_t c = 0; c < 3; ++c)
      for (std::int64_t y = 0; y < 64; ++y)
        for (std::int64_t x = 0; x < 64; ++x) {
          const auto at = ((row * kCell + 2 + y) * picture.width + 2 + x) * 3 + c;
          if (picture.pixels[static_cast<std::size_t>(at)] !=
              data.image(image)[static_cast<std::size_t>((c * 32 + y / 2) * 32 + x / 2)])
            return false;
        }
    return true;
  };
  for (std::int64_t image = 0; image < data.count; ++image)
    if (equal(image)) return image;
  return -1;
}

TEST(ViewGrid, ShowsRandomImagesAndTheirViews) {
  const Noise noise(40);
  const ViewGridOptions options{.preset = "weak", .rows = 5, .columns = 3};
  const PngImage picture = view_grid(noise.data, options);
  EXPECT_EQ(picture.width, 4 * kCell);
  EXPECT_EQ(picture.height, 5 * kCell);
  ASSERT_EQ(picture.pixels.size(), static_cast<std::size_t>(4 * 5 * kCell * kCell * 3));
  EXPECT_EQ(picture.pixels[0], 255);  // the gap
  std::set<std::int64_t> images;
  for (std::int64_t row = 0; row < 5; ++row) images.insert(shown(noise.data, picture, row));
  EXPECT_EQ(images.size(), 5u);
  EXPECT_EQ(images.count(-1), 0u);
  EXPECT_GT(*images.rbegin(), 4);  // Not the first ones.
  EXPECT_EQ(view_grid(noise.data, options).pixels, picture.pixels);
  auto other = options;
  other.seed = 1;
  EXPECT_NE(view_grid(noise.data, other).pixels, picture.pixels);
}

TEST(ViewGrid, TakesGreyImagesAndFewerThanAskedFor) {
  const Noise noise(3, {1, 28, 28});
  const PngImage picture = view_grid(noise.data, {.preset = "digits", .rows = 8, .columns = 2});
  EXPECT_EQ(picture.channels, 1);
  EXPECT_EQ(picture.height, 3 * (2 * 28 + 4));
}

TEST(ViewGrid, RefusesWhatHasNoViews) {
  const Noise noise(3);
  EXPECT_CONTAINS(user_error_of([&] { view_grid(noise.data, {.preset = "wild"}); }), "digits");
  const Noise oblong(2, {1, 28, 30});
  EXPECT_CONTAINS(user_error_of([&] { view_grid(oblong.data, {}); }), "28 x 30");
  EXPECT_CONTAINS(user_error_of([&] { view_grid(TrainingData{.count = 3}, {}); }), "images");
}

}  // namespace
}  // namespace coterie
