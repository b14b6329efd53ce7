#include "coterie/report/image_tiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "coterie/core/files.h"
#include "coterie/core/parallel.h"

namespace coterie {
namespace {

constexpr std::int64_t kTileSide = 64;
constexpr std::int64_t kTilesBudget = 200'000'000;  // bytes of all pixels

/// Copies a small image into the cell of a picture whose rows hold kTileColumns of them.
void place_in_tile(const PngImage& small, std::int64_t cell, PngImage& tile) {
  const std::int64_t row_bytes = small.width * small.channels;
  const std::int64_t left = cell % kTileColumns * row_bytes;
  const std::int64_t top = cell / kTileColumns * small.height;
  for (std::int64_t y = 0; y < small.height; ++y)
    std::copy_n(small.pixels.data() + y * row_bytes, row_bytes,
                tile.pixels.data() + (top + y) * tile.width * tile.channels + left);
}

}  // namespace

ThumbnailSize tile_size(const ImageShape& shape, std::int64_t count) {
  // thumbnail_size counts in base64, which takes four bytes for three.
  ThumbnailSize size = thumbnail_size(shape, count, kTilesBudget / 3 * 4);
  const std::int64_t longer = std::max(size.width, size.height);
  if (longer > kTileSide) {
    size.width = std::max<std::int64_t>(1, size.width * kTileSide / longer);
    size.height = std::max<std::int64_t>(1, size.height * kTileSide / longer);
  }
  return size;
}

void write_image_tiles(const TrainingData& data, const std::vector<std::int64_t>& rows,
                       const std::filesystem::path& folder, Progress& progress,
                       const CancelToken& cancel) {
  const auto count = static_cast<std::int64_t>(rows.size());
  const ThumbnailSize size = tile_size(data.shape, count);
  const std::int64_t tiles = (count + kTileImages - 1) / kTileImages;
  progress.begin("report: small images", tiles);
  std::atomic<std::int64_t> done = 0;
  parallel_for(tiles, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      cancel.check();
      const std::int64_t first = t * kTileImages;
      const std::int64_t held = std::min(kTileImages, count - first);
      const std::int64_t lines = (held + kTileColumns - 1) / kTileColumns;
      PngImage tile{kTileColumns * size.width, lines * size.height, data.shape.channels, {}};
      tile.pixels.resize(static_cast<std::size_t>(tile.width * tile.height * tile.channels));
      for (std::int64_t cell = 0; cell < held; ++cell)
        place_in_tile(thumbnail(data.image(rows[first + cell]), data.shape, size), cell, tile);
      write_file(folder / fmt::format("{:05}.png", t), encode_png(tile, PngCode::quick));
      progress.update(++done);
    }
  });
  progress.end();
}

}  // namespace coterie
