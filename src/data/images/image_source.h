#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "coterie/data/images/vips_support.h"

namespace coterie::images {

enum class Kind { kJpeg, kPng, kGif, kWebp, kTiff, kHeif };

/// An open image file that libvips reads through a descriptor. It is never mapped (a file that
/// another program cuts short while it is read must not end this one), and its name is never seen
/// by libvips, which reads options out of names.
class ImageSource {
 public:
  /// Throws BadImage where the file has vanished, may not be read, is no regular file, is empty,
  /// larger than `max_bytes`, or of no known kind.
  ImageSource(const std::filesystem::path& file, std::uint64_t max_bytes);
  ~ImageSource();
  ImageSource(const ImageSource&) = delete;
  ImageSource& operator=(const ImageSource&) = delete;

  Kind kind() const { return kind_; }
  std::uint64_t size() const { return size_; }
  /// Set where the system failed to read, to its error number.
  int read_error() const { return read_error_; }
  VipsSource* vips() const { return reinterpret_cast<VipsSource*>(source_.get()); }

 private:
  void inspect(std::uint64_t max_bytes);
  static gint64 read_bytes(VipsSourceCustom*, void* buffer, gint64 count, ImageSource* self);
  static gint64 seek_to(VipsSourceCustom*, gint64 offset, int whence, ImageSource* self);

  int descriptor_ = -1;
  std::int64_t position_ = 0;
  std::uint64_t size_ = 0;
  int read_error_ = 0;
  Kind kind_ = Kind::kJpeg;
  std::unique_ptr<VipsSourceCustom, ObjectUnref> source_;
};

}  // namespace coterie::images
