#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

// IDX files, as MNIST comes in, made byte by byte.
namespace coterie::testing {

inline std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

/// The file's bytes: header, then `data`, whose numbers are of this type; 8 is unsigned bytes.
inline std::string idx(std::initializer_list<std::uint32_t> shape, const std::string& data,
                       int type = 8) {
  std::string bytes = {0, 0, static_cast<char>(type), static_cast<char>(shape.size())};
  for (const auto size : shape) bytes += big_endian(size);
  return bytes + data;
}

}  // namespace coterie::testing
