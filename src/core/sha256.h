#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace coterie {

/// SHA-256 (FIPS 180-4), with the processor's own instructions where it has them, unless told to
/// use the portable code alone.
class Sha256 {
 public:
  enum class Code { fastest, portable };
  explicit Sha256(Code code = Code::fastest);
  void update(const void* bytes, std::size_t count);
  void update(std::string_view text) { update(text.data(), text.size()); }
  /// The digest of all bytes so far as 64 hexadecimal digits. Ends the object's use.
  std::string hex_digest();

 private:
  void compress(const std::uint8_t* data, std::size_t blocks);
  bool portable_;
  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> block_;
  std::uint64_t total_ = 0;
};

std::string sha256_hex(std::string_view bytes);
/// Digest of a file's content. Throws UserError where it cannot be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace coterie
