#pragma once

#include <filesystem>
#include <vector>

#include "coterie/data/image_array.h"

namespace coterie {

/// The binary batches of CIFAR-10: records of a label and 32 x 32 pixels in three planes. Class
/// names are taken from batches.meta.txt beside them. Throws UserError where a file is no whole
/// number of records or a label exceeds 9.
ImageArrays open_cifar10(const std::vector<std::filesystem::path>& batches);

/// The binary files of CIFAR-100: records of a coarse label, a fine label and the pixels. The
/// ground truth is the 20 coarse classes; their names are taken from coarse_label_names.txt.
ImageArrays open_cifar100(const std::vector<std::filesystem::path>& batches);

/// STL-10: images of 96 x 96 whose three planes lie column by column, and labels 1..10. `labels` is
/// as long as `images`, or empty. Class names are taken from class_names.txt.
ImageArrays open_stl10(const std::vector<std::filesystem::path>& images,
                       const std::vector<std::filesystem::path>& labels);

}  // namespace coterie
