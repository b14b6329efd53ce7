#include "coterie/data/images/image_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string_view>

#include "coterie/core/error.h"
#include "coterie/data/images/causes.h"

namespace coterie::images {
namespace {

using namespace std::string_view_literals;

std::optional<Kind> kind_of(std::string_view head) {
  if (head.starts_with("\xff\xd8\xff")) return Kind::kJpeg;
  if (head.starts_with("\x89PNG\r\n\x1a\n")) return Kind::kPng;
  if (head.starts_with("GIF87a") || head.starts_with("GIF89a")) return Kind::kGif;
  if (head.starts_with("RIFF") && head.substr(std::min<std::size_t>(8, head.size()), 4) == "WEBP")
    return Kind::kWebp;
  for (const auto mark : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})
    if (head.starts_with(mark)) return Kind::kTiff;
  if (head.size() >= 12 && head.substr(4, 4) == "ftyp")
    for (const auto brand :
         {"heic", "heix", "hevc", "heim", "heis", "mif1", "msf1", "avif", "avis"})
      if (head.substr(8, 4) == brand) return Kind::kHeif;
  return {};
}

std::string cause_of_other_kind(std::string_view head) {
  struct Known {
    std::string_view mark;
    const char* name;
  };
  static constexpr std::array<Known, 8> kKnown = {{{"BM", "BMP"},
                                                   {"%PDF", "PDF"},
                                                   {"<svg", "SVG"},
                                                   {"8BPS", "Photoshop"},
                                                   {"\xff\x0a", "JPEG XL"},
                                                   {"\0\0\0\x0cJXL "sv, "JPEG XL"},
                                                   {"\0\0\0\x0cjP  "sv, "JPEG 2000"},
                                                   {"\x76\x2f\x31\x01", "OpenEXR"}}};
  for (const auto& known : kKnown)
    if (head.starts_with(known.mark))
      return fmt::format("{} files are not read: save it as PNG or JPEG", known.name);
  return "not an image of a known kind";
}

}  // namespace

ImageSource::ImageSource(const std::filesystem::path& file, std::uint64_t max_bytes) {
  // A FIFO that took the file's place must not make us wait for a writer.
  descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0)
    throw BadImage(errno == ENOENT || errno == ENOTDIR ? "vanished" : cause_of_errno(errno));
  try {
    inspect(max_bytes);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
  source_.reset(vips_source_custom_new());
  g_signal_connect(source_.get(), "read", G_CALLBACK(read_bytes), this);
  g_signal_connect(source_.get(), "seek", G_CALLBACK(seek_to), this);
}

ImageSource::~ImageSource() {
  source_.reset();
  ::close(descriptor_);
}

void ImageSource::inspect(std::uint64_t max_bytes) {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) throw BadImage(cause_of_errno(errno));
  if (const std::string cause = cause_of_mode(info.st_mode); !cause.empty()) throw BadImage(cause);
  if (info.st_size == 0) throw BadImage("empty file");
  size_ = static_cast<std::uint64_t>(info.st_size);
  if (size_ > max_bytes)
    throw BadImage(fmt::format("larger than the limit of {} bytes", max_bytes));
  std::array<char, 16> head;
  const ssize_t got = ::pread(descriptor_, head.data(), head.size(), 0);
  if (got < 0) throw BadImage(cause_of_errno(errno));
  const std::string_view bytes(head.data(), static_cast<std::size_t>(got));
  const std::optional<Kind> kind = kind_of(bytes);
  if (!kind) throw BadImage(cause_of_other_kind(bytes));
  kind_ = *kind;
  if (kind_ == Kind::kWebp) {
    std::uint64_t promised = 8;
    for (int i = 0; i < 4; ++i)
      promised += std::uint64_t{static_cast<unsigned char>(bytes[4 + i])} << (8 * i);
    if (promised > size_) throw BadImage(fmt::format("truncated: {} of {} bytes", size_, promised));
  }
}

gint64 ImageSource::read_bytes(VipsSourceCustom*, void* buffer, gint64 count, ImageSource* self) {
  for (;;) {
    const ssize_t got =
        ::pread(self->descriptor_, buffer, static_cast<std::size_t>(count), self->position_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) self->read_error_ = errno;
    if (got > 0) self->position_ += got;
    return got;
  }
}

gint64 ImageSource::seek_to(VipsSourceCustom*, gint64 offset, int whence, ImageSource* self) {
  const std::int64_t base = whence == SEEK_SET   ? 0
                            : whence == SEEK_CUR ? self->position_
                                                 : static_cast<std::int64_t>(self->size_);
  self->position_ = std::max<std::int64_t>(0, base + offset);
  return self->position_;
}

}  // namespace coterie::images
