#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "coterie/run/cluster.h"

namespace coterie::testing {

/// A finished run made by hand, in memory but for its folder. Images are all different: no other
/// data set row has the pixels of a row. Confidences are all different, too.
LoadedRun image_run(const std::filesystem::path& folder, const std::vector<std::int32_t>& labels,
                    ImageShape shape = {1, 8, 8});
/// The same with three features a row.
LoadedRun feature_run(const std::filesystem::path& folder, const std::vector<std::int32_t>& labels);

/// Gives the run ground truth with classes named a, b, c ...
void give_truth(LoadedRun& run, std::vector<std::int32_t> truth);
/// Writes RUN/map.npy: x and y of each row by turns.
void give_map(const LoadedRun& run, const std::vector<float>& positions);
/// Places on a spiral, all different.
std::vector<float> spiral(std::int64_t count);
/// Writes RUN/embeddings.npy, [N, columns].
void give_embeddings(const LoadedRun& run, const std::vector<float>& values, std::int64_t columns);
/// Renames a row, in the data set and in the assignments.
void rename_row(LoadedRun& run, std::int64_t row, const std::string& path);

/// `size` times each label 0..clusters-1, in turn.
std::vector<std::int32_t> even_labels(std::int64_t clusters, std::int64_t size);

/// Writes the report and reads it back.
std::string page_of(const LoadedRun& run);

/// The part of `page` from `<... id="id"` up to the next element that has one of the same kind.
std::string card_of(const std::string& page, std::int64_t cluster);
/// A section by its id; empty where the page has none.
std::string section_of(const std::string& page, const std::string& id);

/// An image of the page.
struct ShownImage {
  std::string alt;
  std::string title;
  std::string png;         ///< the file's bytes
  std::string confidence;  ///< as shown
};
std::vector<ShownImage> images_in(const std::string& html);

}  // namespace coterie::testing
