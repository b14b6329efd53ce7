#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coterie/data/dataset.h"
#include "coterie/data/png.h"

namespace coterie {

/// The names of the kinds of view, see nn/views.h.
const std::vector<std::string>& view_preset_names();

struct ViewGridOptions {
  std::string preset = "simclr";
  std::int64_t rows = 8;  ///< images, drawn without replacement; fewer where there are not so many
  std::int64_t columns = 8;  ///< views of each
  std::uint64_t seed = 0;
};

/// A picture of what the networks get to see: in each row an image as it is, then views of it.
/// Small images are enlarged by a whole factor. Throws UserError where the data are no square
/// images of 1 or 3 channels or the preset is unknown.
PngImage view_grid(const TrainingData& data, const ViewGridOptions& options);

}  // namespace coterie
