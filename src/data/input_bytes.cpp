#include "coterie/data/input_bytes.h"

#include <algorithm>
#include <cstring>

#include "coterie/core/error.h"
#include "coterie/data/source.h"

#ifdef COTERIE_ZLIB
#include <zlib.h>
#endif

namespace coterie {

#ifdef COTERIE_ZLIB

struct InputBytes::Inflater {
  Inflater() {
    constexpr int kGzipOnly = 15 + 16;
    if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  std::size_t read(std::span<const std::byte> input, std::size_t& at, void* to, std::size_t count,
                   const std::string& name) {
    std::size_t done = 0;
    while (done < count && !ended) {
      // zlib counts in 32 bits.
      constexpr std::size_t kMost = 1u << 30;
      const std::size_t give = std::min(input.size() - at, kMost);
      const std::size_t want = std::min(count - done, kMost);
      stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data() + at));
      stream.avail_in = static_cast<uInt>(give);
      stream.next_out = static_cast<Bytef*>(to) + done;
      stream.avail_out = static_cast<uInt>(want);
      const int result = inflate(&stream, Z_NO_FLUSH);
      at += give - stream.avail_in;
      const std::size_t got = want - stream.avail_out;
      done += got;
      if (result == Z_STREAM_END) {
        next_member(input, at, name);
      } else if (result == Z_BUF_ERROR || (result == Z_OK && got == 0 && at == input.size())) {
        throw UserError("{} is cut off: its compressed data end too early; copy it again", name);
      } else if (result != Z_OK) {
        throw UserError("{} is damaged: {}; copy it again", name,
                        stream.msg ? stream.msg : "its compressed data cannot be read");
      }
    }
    return done;
  }

  void next_member(std::span<const std::byte> input, std::size_t at, const std::string& name) {
    const auto rest = input.subspan(at);
    if (rest.size() > 1 && rest[0] == std::byte{0x1f} && rest[1] == std::byte{0x8b}) {
      inflateReset(&stream);
      return;
    }
    ended = true;
    // Zeros are the padding of tapes and block devices.
    if (std::any_of(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; }))
      throw UserError("{} has {} bytes after its compressed data; copy it again", name,
                      rest.size());
  }

  z_stream stream{};
  bool ended = false;
};

#else

struct InputBytes::Inflater {
  std::size_t read(std::span<const std::byte>, std::size_t&, void*, std::size_t,
                   const std::string&) {
    return 0;
  }
};

#endif

InputBytes::InputBytes(const std::filesystem::path& path) : name_(shown(path)), file_(path) {
  const auto bytes = file_.bytes();
  if (bytes.size() < 2 || bytes[0] != std::byte{0x1f} || bytes[1] != std::byte{0x8b}) return;
#ifdef COTERIE_ZLIB
  inflater_ = std::make_unique<Inflater>();
#else
  throw UserError("{} is compressed, and this build was made without zlib; unpack it with gunzip",
                  name_);
#endif
}

InputBytes::~InputBytes() = default;

std::size_t InputBytes::read(void* to, std::size_t count) {
  if (inflater_) return inflater_->read(file_.bytes(), at_, to, count, name_);
  const std::size_t give = std::min(count, file_.size() - at_);
  if (give > 0) std::memcpy(to, file_.bytes().data() + at_, give);
  at_ += give;
  return give;
}

}  // namespace coterie
