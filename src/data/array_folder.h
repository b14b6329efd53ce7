#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coterie/data/image_array.h"

namespace coterie {

/// A folder that holds a benchmark set in a form of its own.
struct ArrayFolder {
  std::vector<std::filesystem::path> files;  ///< all that its images and labels come from
  std::function<ImageArrays()> open;
  std::vector<std::string> missing;  ///< usual parts that are not there
};

/// Recognises by its file names a folder of CIFAR-10 or CIFAR-100 or STL-10 binaries, of IDX files
/// (train-images-idx3-ubyte and so on, .gz or not), or of images.npy and labels.npy. Training
/// images come first, then test images. Throws UserError where a part is missing without which the
/// order of the images or their labels would be wrong.
std::optional<ArrayFolder> find_array_folder(const std::filesystem::path& folder);

}  // namespace coterie
