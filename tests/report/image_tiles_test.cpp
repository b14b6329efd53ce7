#include "coterie/report/image_tiles.h"

#include <numeric>

#include "coterie/core/files.h"
#include "data/png_reader.h"
#include "report/run_maker.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace coterie::testing;

void expect_each_image_at_its_place(const ImageShape& shape, std::int64_t count,
                                    const std::vector<std::int64_t>& rows) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(1, count), shape);
  Progress progress;
  write_image_tiles(run.dataset.training_data(), rows, folder.path(), progress, CancelToken());
  std::vector<PngImage> tiles;
  for (std::size_t t = 0; t * 100 < rows.size(); ++t)
    tiles.push_back(read_png(read_file(folder / fmt::format("{:05}.png", t))));
  EXPECT_FALSE(std::filesystem::exists(folder / fmt::format("{:05}.png", tiles.size())));
  for (std::size_t p = 0; p < rows.size(); ++p) {
    const PngImage& tile = tiles[p / 100];
    ASSERT_EQ(tile.width, 10 * shape.width);
    ASSERT_EQ(tile.channels, shape.channels);
    const std::int64_t left = static_cast<std::int64_t>(p % 10) * shape.width;
    const std::int64_t top = static_cast<std::int64_t>(p % 100 / 10) * shape.height;
    ASSERT_LE(top + shape.height, tile.height);
    const std::uint8_t* image = run.dataset.pixels + rows[p] * shape.pixels();
    for (std::int64_t c = 0; c < shape.channels; ++c)
      for (std::int64_t y = 0; y < shape.height; ++y)
        for (std::int64_t x = 0; x < shape.width; ++x)
          ASSERT_EQ(tile.pixels[((top + y) * tile.width + left + x) * shape.channels + c],
                    image[(c * shape.height + y) * shape.width + x])
              << "place " << p << ", row " << rows[p];
  }
}

TEST(ImageTiles, EachImageIsAtItsPlace) {
  std::vector<std::int64_t> rows(237);
  std::iota(rows.begin(), rows.end(), 0);
  expect_each_image_at_its_place({1, 6, 6}, 237, rows);
  expect_each_image_at_its_place({3, 5, 9}, 237, rows);
  expect_each_image_at_its_place({1, 2, 2}, 1, {0});
}

TEST(ImageTiles, HoldThoseThatWereAskedFor) {
  expect_each_image_at_its_place({1, 4, 4}, 500, {3, 1, 499, 77, 250, 7});
}

TEST(ImageTiles, CellsAreNoLargerThanNeeded) {
  const auto size = [](ImageShape shape, std::int64_t count) {
    const ThumbnailSize found = tile_size(shape, count);
    return std::pair(found.width, found.height);
  };
  EXPECT_EQ(size({1, 28, 28}, 100'000), std::pair(28L, 28L));
  EXPECT_EQ(size({3, 96, 96}, 1000), std::pair(64L, 64L));
  EXPECT_EQ(size({3, 48, 192}, 1000), std::pair(64L, 16L));
  // 200 MB for 200,000 pictures are 1,000 bytes each: 17 x 17 pixels of three bytes, less the
  // frame.
  EXPECT_EQ(size({3, 96, 96}, 200'000), std::pair(17L, 17L));
}

TEST(ImageTiles, StopWhenCancelled) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(1, 5));
  CancelToken cancel;
  cancel.cancel();
  Progress progress;
  EXPECT_THROW(
      write_image_tiles(run.dataset.training_data(), {0, 1}, folder.path(), progress, cancel),
      Interrupted);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace coterie
