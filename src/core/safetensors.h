#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coterie/core/files.h"
#include "coterie/core/matrix.h"

namespace coterie {

enum class DType { f16, bf16, f32, f64, i8, u8, i16, i32, i64, boolean };
std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);

/// An array with its shape, in row-major order.
struct Tensor {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;

  std::int64_t count() const;
  /// The values; throws UserError where the type is another.
  template <class T>
  std::span<const T> values() const;
};

template <class T>
Tensor make_tensor(std::vector<std::int64_t> shape, std::span<const T> values);
template <class T>
Tensor make_tensor(const Matrix<T>& matrix) {
  return make_tensor<T>({matrix.rows(), matrix.cols()},
                        {matrix.data(), static_cast<std::size_t>(matrix.size())});
}

/// Tensors by name.
using TensorMap = std::map<std::string, Tensor>;

/// Writes a .safetensors file (the public format: 8 bytes of header length, a JSON header, data),
/// atomically. `metadata` goes into the header's __metadata__. Throws UserError naming the tensor
/// whose shape does not match its bytes, or whose name (or the metadata) is not UTF-8.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {});

struct SafetensorsFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads a .safetensors file. Throws UserError naming the file and the fault: header too large or
/// not JSON, unknown type, shape that overflows or does not match its bytes, tensors that overlap,
/// leave gaps or end beyond the file.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

}  // namespace coterie
