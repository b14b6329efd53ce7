#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/dataset.h"

namespace coterie {

/// Ground truth by the first folder level of an image folder.
inline constexpr const char* kFolderLabels = "folders";

/// How an input is read.
struct LoadOptions {
  /// Ground truth: empty for none, kFolderLabels for the first folder level of an image folder, or
  /// a file (IDX labels, .npy integers, .csv with path,label).
  std::string labels;
  /// Column of a features csv that holds the ground truth.
  std::string label_column;
  /// Side in pixels that folder images are decoded to; 0: the images' own side where all are
  /// square and equal (8 to 224 pixels), otherwise 96. Arrays keep their size.
  int image_size = 0;
  /// Channels of the pack: 1, 3, or 0 for what the images are (1 if all are grey).
  int channels = 0;
  /// A file larger than this, or an image of more pixels, counts as bad.
  std::uint64_t max_file_bytes = 256ULL << 20;
  std::uint64_t max_pixels = 100'000'000;
  /// Where packs are kept; empty: $COTERIE_CACHE, else $XDG_CACHE_HOME/coterie, else
  /// ~/.cache/coterie.
  std::filesystem::path cache;
};

/// Reads any INPUT form: a folder of images, .npy (features or images), .csv of features, IDX
/// images
/// (.gz or not), a folder of CIFAR-10/100 or STL-10 binaries or of IDX files, .tar of an image
/// folder (compressed or not), a list file of paths, a pack, or the name of a known data set.
/// Images are decoded once into a pack in the cache and mapped from there; a second load of the
/// unchanged source maps the same pack. Files that cannot be used are in `bad_files`.
/// Throws UserError where nothing can be used, naming path, fault and remedy.
Dataset load_dataset(const std::string& input, const LoadOptions& options, Progress& progress,
                     const CancelToken& cancel);

/// Ground truth for an already loaded data set from a file or "folders" (see LoadOptions::labels;
/// which folder of a path is the class: truth_folder_of in truth_folders.h);
/// replaces what it has. Throws UserError where the count differs from the data set's.
void attach_truth(Dataset& dataset, const std::string& labels);

/// A data set known by name.
struct KnownDataset {
  std::string name;
  std::string summary;
  std::optional<std::filesystem::path> found;  ///< the folder it was found in, if it is here
  std::string how_to_get;
};
std::vector<KnownDataset> known_datasets();

}  // namespace coterie
