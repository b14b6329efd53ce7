#include "coterie/data/png.h"

#include "coterie/core/files.h"
#include "coterie/data/load.h"
#include "data/png_reader.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::read_png;

/// Smooth shades with a little noise, as photos have: every filter finds rows that it suits.
PngImage photo(std::int64_t width, std::int64_t height, std::int64_t channels) {
  PngImage image{width, height, channels, {}};
  std::uint32_t noise = 1;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      for (std::int64_t c = 0; c < channels; ++c) {
        noise = noise * 1664525 + 1013904223;
        const std::int64_t shade = y % 4 == 0 ? 3 * x : y % 4 == 1 ? 5 * y : x + y * (c + 1);
        image.pixels.push_back(static_cast<std::uint8_t>(shade + (noise >> 30)));
      }
  return image;
}

void expect_round_trip(const PngImage& image, PngCode code) {
  const PngImage read = read_png(encode_png(image, code));
  EXPECT_EQ(read.width, image.width);
  EXPECT_EQ(read.height, image.height);
  EXPECT_EQ(read.channels, image.channels);
  EXPECT_EQ(read.pixels, image.pixels);
}

TEST(Png, CrcHasTheCheckValueOfItsCatalogue) {
  EXPECT_EQ(png_crc("123456789"), 0xcbf43926u);
  EXPECT_EQ(png_crc("IEND"), 0xae426082u);
  EXPECT_EQ(png_crc("6789", png_crc("12345")), 0xcbf43926u);
  EXPECT_EQ(png_crc(""), 0u);
}

TEST(Png, AdlerHasKnownValues) {
  EXPECT_EQ(adler32_of(""), 1u);
  EXPECT_EQ(adler32_of("Wikipedia"), 0x11e60398u);
  // zlib.adler32(b'\xff' * 100000) of Python: sums far beyond the modulus.
  EXPECT_EQ(adler32_of(std::string(100000, '\xff')), 0x149a302cu);
}

TEST(Png, DecodesToTheSamePixels) {
  for (const PngCode code : {PngCode::stored, PngCode::quick, PngCode::smallest})
    for (const std::int64_t channels : {1, 3}) {
      expect_round_trip(photo(1, 1, channels), code);
      expect_round_trip(photo(7, 5, channels), code);
      expect_round_trip(photo(96, 96, channels), code);
      expect_round_trip({28, 28, channels, std::vector<std::uint8_t>(28 * 28 * channels, 200)},
                        code);
    }
}

TEST(Png, StoredBlocksSplitAtTheirLargestSize) {
  // 255 rows of 257 bytes are 65,535, one whole block; one row more begins a second.
  expect_round_trip(photo(256, 255, 1), PngCode::stored);
  const std::string one = encode_png(photo(256, 255, 1), PngCode::stored);
  const std::string two = encode_png(photo(256, 256, 1), PngCode::stored);
  EXPECT_EQ(one.size(), 8u + 25 + 12 + 2 + 5 + 65535 + 4 + 12);
  EXPECT_EQ(two.size(), one.size() + 257 + 5);
  expect_round_trip(photo(256, 256, 1), PngCode::stored);
}

TEST(Png, TheSmallestIsNoLargerThanStored) {
  const PngImage image = photo(96, 96, 3);
  EXPECT_LE(encode_png(image).size(), encode_png(image, PngCode::stored).size());
}

#ifdef COTERIE_IMAGES
TEST(Png, TheImageDecoderReadsTheSamePixels) {
  testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "images");
  const PngImage image = photo(32, 32, 3);
  write_file(folder / "images/a-smallest.png", encode_png(image));
  write_file(folder / "images/b-stored.png", encode_png(image, PngCode::stored));
  LoadOptions options;
  options.cache = folder / "cache";
  Progress progress;
  const Dataset read = load_dataset((folder / "images").native(), options, progress, {});
  ASSERT_EQ(read.size(), 2);
  ASSERT_EQ(read.shape, (ImageShape{3, 32, 32}));
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t c = 0; c < 3; ++c)
      for (std::int64_t p = 0; p < 32 * 32; ++p)
        ASSERT_EQ(read.pixels[(i * 3 + c) * 32 * 32 + p], image.pixels[p * 3 + c])
            << "file " << i << ", channel " << c << ", pixel " << p;
}
#endif

}  // namespace
}  // namespace coterie
