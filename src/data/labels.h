#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "coterie/data/dataset.h"

namespace coterie {

/// Ground truth as classes 0..C-1 and the name of each.
struct Truth {
  std::vector<std::int32_t> labels;
  std::vector<std::string> class_names;
};

/// Numbers the values that occur, in ascending order; their names are the numbers.
Truth encode_truth(std::span<const std::int64_t> values);

/// Numbers the texts that occur: by value where all are integers
/// in their shortest form, otherwise by their bytes.
Truth encode_truth(const std::vector<std::string>& texts);

/// The labels of a dataset whose `paths` are known, from a csv with the columns path and label, in
/// any order of rows. Rows of paths that the data set does not hold are left aside.
/// Throws UserError naming the paths that are missing or stand twice.
Truth read_path_labels(const std::filesystem::path& csv, const std::vector<std::string>& paths);

/// The labels that an IDX or .npy file holds, in the order of the rows.
std::vector<std::int64_t> read_label_file(const std::filesystem::path& path);

}  // namespace coterie
