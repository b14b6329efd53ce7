#pragma once

#include <string>
#include <vector>

namespace coterie {

/// For each path the folder that names its ground truth class (`--labels folders`): the first
/// folder level, as in "cat/1.jpg". Where every path's first level is a split of a data set (train,
/// test, val, valid, validation or unlabeled, in letters of either case), as in "train/cat/1.jpg",
/// it is the second level. A path without such a folder gives an empty string.
std::vector<std::string> truth_folder_of(const std::vector<std::string>& paths);

}  // namespace coterie
