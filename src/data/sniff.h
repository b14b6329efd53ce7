#pragma once

#include <filesystem>

namespace coterie {

/// The form of an input file.
enum class Form {
  pack,
  npy,
  idx,
  csv,
  list,
  archive,
  image,
  gzipped,  ///< rows (npy, csv) that are to be unpacked first
  empty,
  unknown
};

/// Tells the form by the first bytes, and where they leave it open by the name. A text is a list of
/// paths where its first line names a file, otherwise a csv where it holds a comma.
/// Throws UserError where the file cannot be read or its compressed data are damaged.
Form sniff(const std::filesystem::path& path);

}  // namespace coterie
