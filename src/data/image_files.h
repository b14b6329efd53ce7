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

/// Files to decode, and those already known to be of no use. Both sorted by the bytes of `path`;
/// the files of a list keep the list's order.
struct ImageFiles {
  std::vector<ImageFile> files;
  std::vector<BadFile> bad;
  /// sha256 over names, sizes and modification times: changes when the source does.
  std::string fingerprint;
  /// Holds a temporary folder (of an unpacked archive) until decoding is done.
  std::shared_ptr<const void> keep;
};

/// Every file under a folder, recursively. Hidden entries (a leading dot) are left out. A folder is
/// read once: under its own name where it lies inside, otherwise through the first link to it, so a
/// loop of links ends. Links to files count as files. FIFOs, sockets and devices are bad files,
/// never opened; so are links to nothing and folders that may not be read.
/// Throws UserError where `folder` itself cannot be read.
ImageFiles find_image_files(const std::filesystem::path& folder, const CancelToken& cancel);

/// The files that a list file names, one path per line (NUL-separated where it holds a NUL),
/// relative to the list's folder. Blank lines and a carriage return at a line's end are left out.
/// A file that is missing or named a second time is a bad file.
/// Throws UserError where the list cannot be read or names nothing.
ImageFiles read_list_file(const std::filesystem::path& list, const CancelToken& cancel);

/// The members of an archive (tar, plain or compressed by gzip, bzip2, xz, lzma, zstd or lz4; zip),
/// unpacked under names of our own into a new folder inside `scratch`: a member's name never
/// becomes a path. Links and devices in the archive are bad files, and so are members larger than
/// LoadOptions::max_file_bytes. Hidden members are left out as in a folder. Levels ".",
/// ".." and empty ones are dropped from names, and so are leading folders that all members share
/// while a further folder lies below them: "photos/cat/1.jpg" beside "photos/dog/2.jpg" gives
/// "cat/1.jpg". Throws UserError where the archive is torn or none, or the disk is too small;
/// nothing is left behind then.
ImageFiles unpack_archive(const std::filesystem::path& archive,
                          const std::filesystem::path& scratch, const LoadOptions& options,
                          Progress& progress, const CancelToken& cancel);

/// The fingerprint that unpack_archive gives, without unpacking.
std::string archive_fingerprint(const std::filesystem::path& archive);

/// Decodes the files on all cores into the pack `pack`: EXIF rotation applied, ICC to sRGB, short
/// side resized to the pack's side and the centre cut out, transparent areas over white, the first
/// page of animated files. A pack of one channel takes the luminance of coloured images. Files
/// are JPEG, PNG, GIF, WebP, TIFF, HEIF or AVIF, told by their first bytes; libvips loaders not
/// meant for untrusted files are blocked. Size limits are checked before any pixel is decoded.
/// Files that fail, truncated and damaged ones included, are in the pack's bad files with their
/// cause.
/// Throws UserError where no file is left.
void decode_image_files(const ImageFiles& files, const LoadOptions& options,
                        const std::string& source, const std::filesystem::path& pack,
                        Progress& progress, const CancelToken& cancel);

}  // namespace coterie
