#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/dataset.h"
#include "coterie/data/thumbnail.h"

namespace coterie {

/// How the small images of a report lie in its picture files: kTileImages in each, row by row,
/// kTileColumns in a row. The image of place p is in file p / kTileImages ("00012.png"), its cell
/// there is p % kTileImages. Cells that nothing takes are black.
constexpr std::int64_t kTileImages = 100;
constexpr std::int64_t kTileColumns = 10;

/// The size of each cell where there are `count` images: at most 64 pixels on the longer side,
/// smaller where the files would grow beyond about 200 MB.
ThumbnailSize tile_size(const ImageShape& shape, std::int64_t count);

/// Writes the images of `rows`, whose places are their places in `rows`, to `folder`. Files are
/// made one after another: memory for a few at a time. Throws Interrupted when cancelled.
void write_image_tiles(const TrainingData& data, const std::vector<std::int64_t>& rows,
                       const std::filesystem::path& folder, Progress& progress,
                       const CancelToken& cancel);

}  // namespace coterie
