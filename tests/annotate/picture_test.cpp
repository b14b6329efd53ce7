#include "coterie/annotate/picture.h"

#include <gtest/gtest.h>

#include "coterie/core/files.h"
#include "coterie/data/png.h"
#include "coterie/data/whole_image.h"
#include "data/made_files.h"
#include "data/png_reader.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;
using Bytes = std::vector<std::uint8_t>;

/// Two images of a shape: all 10, and one whose pixels count up.
class Pictures {
 public:
  explicit Pictures(ImageShape shape) : pixels_(2 * shape.pixels(), 10) {
    for (std::int64_t i = 0; i < shape.pixels(); ++i)
      pixels_[shape.pixels() + i] = static_cast<std::uint8_t>(i);
    dataset.shape = shape;
    dataset.pixels = pixels_.data();
    dataset.paths = {"a", "b"};
  }
  Dataset dataset;

 private:
  Bytes pixels_;
};

TEST(Picture, SmallImagesKeepTheirPixels) {
  const Pictures pictures({3, 2, 3});
  const auto image = read_png(small_picture(pictures.dataset, 1));
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.channels, 3);
  // Planes of 6 values become pixels of 3.
  EXPECT_EQ(image.pixels, (Bytes{0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 16, 5, 11, 17}));
}

TEST(Picture, LargerOnesFitInto128Pixels) {
  const Pictures pictures({1, 100, 400});
  const auto image = read_png(small_picture(pictures.dataset, 0));
  EXPECT_EQ(image.width, 128);
  EXPECT_EQ(image.height, 32);
  EXPECT_EQ(image.pixels, Bytes(128 * 32, 10));
}

TEST(Picture, CloseUpsHaveSquaresForPixels) {
  const Pictures pictures({1, 2, 3});
  const auto image = read_png(large_picture(pictures.dataset, 1));
  EXPECT_EQ(image.width, 3 * 86);  // 256 / 3 rounded up
  EXPECT_EQ(image.height, 2 * 86);
  EXPECT_EQ(image.pixels[0], 0);
  EXPECT_EQ(image.pixels[85], 0);
  EXPECT_EQ(image.pixels[86], 1);
  EXPECT_EQ(image.pixels[258 * 85], 0);
  EXPECT_EQ(image.pixels[258 * 86], 3);
}

TEST(Picture, CloseUpsOfLargeImagesStayWithinBounds) {
  const auto close_up = [](ImageShape shape) {
    const auto image = read_png(large_picture(Pictures(shape).dataset, 0));
    return std::pair(image.width, image.height);
  };
  EXPECT_EQ(close_up({1, 256, 200}), std::pair(std::int64_t{200}, std::int64_t{256}));
  EXPECT_EQ(close_up({1, 300, 1}), std::pair(std::int64_t{1}, std::int64_t{300}));
  EXPECT_EQ(close_up({1, 500, 2048}), std::pair(std::int64_t{1024}, std::int64_t{250}));
}

TEST(Picture, CloseUpsOfFilesShowAllOfThem) {
  if (!reads_image_files()) GTEST_SKIP() << "this build reads no image files";
  TemporaryFolder folder;
  // A wide image: its training square is the middle third.
  PngImage wide{600, 200, 3, Bytes(600 * 200 * 3, 0)};
  for (std::int64_t y = 0; y < 200; ++y)
    for (std::int64_t x = 0; x < 600; ++x) wide.pixels[(y * 600 + x) * 3 + x / 200] = 255;
  write_file(folder / "a", encode_png(wide));
  const Pictures pictures({3, 96, 96});
  const auto image = read_png(large_picture(pictures.dataset, 0, folder.path()));
  EXPECT_EQ(image.width, 600);
  EXPECT_EQ(image.height, 200);
  EXPECT_EQ(image.pixels, wide.pixels);
  const auto smaller = read_whole_image(folder / "a", 300);
  ASSERT_TRUE(smaller);
  EXPECT_EQ(smaller->width, 300);
  EXPECT_EQ(smaller->height, 100);
  EXPECT_NEAR(smaller->pixels[0], 255, 2);
  // What is gone, or no image, is shown as training saw it.
  write_file(folder / "a", "no image");
  EXPECT_EQ(read_png(large_picture(pictures.dataset, 0, folder.path())).width, 96);
}

}  // namespace
}  // namespace coterie
