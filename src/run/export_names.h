#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace coterie {

/// "cluster-00", "cluster-01", ...: as many digits as the largest of `clusters` needs, at least
/// two. With a name (UTF-8) "cluster-00-NAME", in which '_' stands for what file systems do not
/// take.
std::string cluster_folder_name(std::int64_t cluster, std::int64_t clusters,
                                const std::string& name = {});

/// Names for files that come to lie in one folder: the base name of each path (bytes, all
/// different) where no other has it. Paths of equal base names get eight digits of the SHA-256 of
/// the path before the extension ("a-1b2c3d4e.jpg"), more where that name is taken, too: the same
/// path among the same others has the same name each time. No name is longer than the 255 bytes
/// that file systems allow.
std::vector<std::string> names_in_folder(const std::vector<std::string>& paths);

}  // namespace coterie
