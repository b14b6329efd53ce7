#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/load.h"

namespace coterie {

/// A file that may be an image.
struct ImageFile {
  std::string path;            ///< as outputs name it: relative to the input, or the archive member
  std::filesystem::path file;  ///< where its bytes are
};

/// Files to decode, sorted by the bytes of `path`, and those already known to be of no use.
struct ImageFiles {
  std::vector<ImageFile> files;
  std::vector<BadFile> bad;
  /// sha256 over names, sizes and modification times: changes when the source does.
  std::string fingerprint;
  /// Holds a temporary folder (of an unpacked archive) until decoding is done.
  std::shared_ptr<const void> keep;
};

/// Every file under a folder, recursively. Hidden entries (a leading dot) are left out; links to
/// folders are followed once, loops are cut; FIFOs, sockets and devices are bad files, never opened.
ImageFiles find_image_files(const std::filesystem::path& folder, const CancelToken& cancel);

/// The files that a list file names, one path per line (NUL-separated where it holds a NUL),
/// relative to the list's folder.
ImageFiles read_list_file(const std::filesystem::path& list, const CancelToken& cancel);

/// The members of an archive, unpacked under names of our own into `scratch`: a member's name never
/// becomes a path. Links and devices in the archive are bad files.
ImageFiles unpack_archive(const std::filesystem::path& archive,
                          const std::filesystem::path& scratch, const LoadOptions& options,
                          Progress& progress, const CancelToken& cancel);

/// Decodes the files on all cores into the pack `pack`: EXIF rotation applied, ICC to sRGB, short
/// side resized to the pack's side and the centre cut out, transparent areas over white, the first
/// page of animated files. Files that fail are in the pack's bad files with their cause.
/// Throws UserError where no file is left.
void decode_image_files(const ImageFiles& files, const LoadOptions& options,
                        const std::string& source, const std::filesystem::path& pack,
                        Progress& progress, const CancelToken& cancel);

}  // namespace coterie
