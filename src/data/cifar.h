#pragma once

#include <filesystem>
#include <vector>

#include "coterie/data/image_array.h"

namespace coterie {

// `names` is a file with a class name in each line; where it is absent, or has another number of
// names, classes have none.

/// The binary batches of CIFAR-10: records of a label and 32 x 32 pixels in three planes. Throws
/// UserError where a file is no whole number of records or a label exceeds 9.
ImageArrays open_cifar10(const std::vector<std::filesystem::path>& batches,
                         const std::filesystem::path& names);

/// The binary files of CIFAR-100: records of a coarse label, a fine label and the pixels. The
/// ground truth is the 20 coarse classes.
ImageArrays open_cifar100(const std::vector<std::filesystem::path>& batches,
                          const std::filesystem::path& names);

/// STL-10: images of 96 x 96 whose three planes lie column by column, and labels 1..10. `labels` is
/// as long as `images`, or empty.
ImageArrays open_stl10(const std::vector<std::filesystem::path>& images,
                       const std::vector<std::filesystem::path>& labels,
                       const std::filesystem::path& names);

}  // namespace coterie
