#pragma once

#include <vips/vips.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace coterie::images {

/// Readies libvips for files from anywhere, once for the process: loaders not meant for untrusted
/// files are blocked, nothing is cached between images, each image is computed by the thread that
/// asks for it, nothing is printed. Throws UserError where libvips cannot start.
void start_vips();

/// The file cannot be used; `what` is the cause.
class BadImage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A libvips call failed. Its reason is in libvips' error text, which all threads share.
class VipsFailure : public std::exception {
 public:
  const char* what() const noexcept override { return "libvips failed"; }
};

inline void check_vips(int code) {
  if (code != 0) throw VipsFailure();
}

struct ObjectUnref {
  void operator()(void* object) const { g_object_unref(object); }
};
using VipsImagePtr = std::unique_ptr<VipsImage, ObjectUnref>;

/// What libvips and its decoders warned of in this thread since the last call, a line each.
std::string take_warnings();

/// One clean line made of libvips' error text and warnings: "truncated: not enough data".
std::string cause_from_vips(std::string_view errors, std::string_view warnings);

}  // namespace coterie::images
