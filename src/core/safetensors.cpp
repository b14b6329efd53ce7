#include "coterie/core/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr std::uint64_t kHeaderLimit = 100'000'000;

struct DTypeName {
  DType dtype;
  const char* name;
  std::size_t size;
};
constexpr DTypeName kDTypes[] = {{DType::f16, "F16", 2}, {DType::bf16, "BF16", 2},
                                 {DType::f32, "F32", 4}, {DType::f64, "F64", 8},
                                 {DType::i8, "I8", 1},   {DType::u8, "U8", 1},
                                 {DType::i16, "I16", 2}, {DType::i32, "I32", 4},
                                 {DType::i64, "I64", 8}, {DType::boolean, "BOOL", 1}};

const DTypeName& entry_of(DType dtype) {
  return *std::find_if(std::begin(kDTypes), std::end(kDTypes),
                       [&](const DTypeName& e) { return e.dtype == dtype; });
}

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::f32;
  if constexpr (std::is_same_v<T, double>) return DType::f64;
  if constexpr (std::is_same_v<T, std::int32_t>) return DType::i32;
  if constexpr (std::is_same_v<T, std::int64_t>) return DType::i64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return DType::u8;
}

/// Bytes of a tensor of this shape; throws where the product does not fit.
std::uint64_t checked_bytes(const std::vector<std::int64_t>& shape, std::size_t element,
                            const std::string& where) {
  std::uint64_t total = element;
  for (const std::int64_t extent : shape) {
    if (extent < 0) throw UserError("{}: negative extent in its shape", where);
    if (extent != 0 && total > std::numeric_limits<std::uint64_t>::max() / extent)
      throw UserError("{}: the product of its shape overflows", where);
    total *= static_cast<std::uint64_t>(extent);
  }
  return total;
}

}  // namespace

std::size_t size_of(DType dtype) { return entry_of(dtype).size; }
std::string_view name_of(DType dtype) { return entry_of(dtype).name; }

std::int64_t Tensor::count() const {
  std::int64_t n = 1;
  for (const auto extent : shape) n *= extent;
  return n;
}

template <class T>
std::span<const T> Tensor::values() const {
  if (dtype != dtype_of<T>())
    throw UserError("a tensor holds {} where {} is expected", name_of(dtype),
                    name_of(dtype_of<T>()));
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

template <class T>
Tensor make_tensor(std::vector<std::int64_t> shape, std::span<const T> values) {
  Tensor tensor{dtype_of<T>(), std::move(shape), std::vector<std::byte>(values.size_bytes())};
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), values.size_bytes());
  return tensor;
}

#define COTERIE_TENSOR_TYPE(T)                        \
  template std::span<const T> Tensor::values() const; \
  template Tensor make_tensor(std::vector<std::int64_t>, std::span<const T>);
COTERIE_TENSOR_TYPE(float)
COTERIE_TENSOR_TYPE(double)
COTERIE_TENSOR_TYPE(std::int32_t)
COTERIE_TENSOR_TYPE(std::int64_t)
COTERIE_TENSOR_TYPE(std::uint8_t)
#undef COTERIE_TENSOR_TYPE

void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    header[name] = {{"dtype", name_of(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = header.is_null() ? "{}" : header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // The data starts on a multiple of eight.
  const std::uint64_t length = text.size();
  AtomicFile file(path);
  file.write(&length, sizeof(length));
  file.write(text);
  for (const auto& [name, tensor] : tensors) file.write(tensor.bytes.data(), tensor.bytes.size());
  file.commit();
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string shown = printable(path.native());
  const auto fault = [&](const std::string& what) {
    return UserError("{} is not a sound safetensors file: {}; fetch or write it again", shown,
                     what);
  };
  std::uint64_t length = 0;
  if (file.size() < sizeof(length)) throw fault("shorter than its eight-byte length field");
  std::memcpy(&length, file.bytes().data(), sizeof(length));
  if (length > kHeaderLimit)
    throw fault(fmt::format("header of {} bytes, limit {}", length, kHeaderLimit));
  if (length > file.size() - sizeof(length)) throw fault("the header ends beyond the file");

  const char* text = reinterpret_cast<const char*>(file.bytes().data()) + sizeof(length);
  const auto header = nlohmann::json::parse(text, text + length, nullptr, false);
  if (!header.is_object()) throw fault("the header is not a JSON object");
  const std::byte* data = file.bytes().data() + sizeof(length) + length;
  const std::uint64_t data_size = file.size() - sizeof(length) - length;

  SafetensorsFile result;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) throw fault("__metadata__ is not an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) throw fault("__metadata__ holds something other than text");
        result.metadata[key] = value;
      }
      continue;
    }
    const std::string where = fmt::format("tensor '{}'", printable(name));
    const auto natural = [](const nlohmann::json& v) { return v.is_number_unsigned(); };
    if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() ||
        !entry.contains("shape") || !entry["shape"].is_array() ||
        !std::all_of(entry["shape"].begin(), entry["shape"].end(), natural) ||
        !entry.contains("data_offsets") || !entry["data_offsets"].is_array() ||
        entry["data_offsets"].size() != 2 ||
        !std::all_of(entry["data_offsets"].begin(), entry["data_offsets"].end(), natural))
      throw fault(where + " lacks a proper dtype, shape or data_offsets");
    Tensor tensor;
    const auto dtype_name = entry["dtype"].get<std::string>();
    const auto* dtype = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                     [&](const DTypeName& e) { return dtype_name == e.name; });
    if (dtype == std::end(kDTypes))
      throw fault(fmt::format("{} has the unknown type '{}'", where, printable(dtype_name)));
    tensor.dtype = dtype->dtype;
    for (const auto& extent : entry["shape"]) {
      if (extent.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
        throw fault(where + ": the product of its shape overflows");
      tensor.shape.push_back(extent.get<std::int64_t>());
    }
    const auto begin = entry["data_offsets"][0].get<std::uint64_t>();
    const auto end = entry["data_offsets"][1].get<std::uint64_t>();
    if (begin > end || end > data_size)
      throw fault(
          fmt::format("{} lies at {} to {} of {} data bytes", where, begin, end, data_size));
    std::uint64_t expected = 0;
    try {
      expected = checked_bytes(tensor.shape, dtype->size, where);
    } catch (const UserError& error) {
      throw fault(error.what());
    }
    if (expected != end - begin)
      throw fault(fmt::format("{}: its shape needs {} bytes, its offsets hold {}", where, expected,
                              end - begin));
    tensor.bytes.assign(data + begin, data + end);
    result.tensors.emplace(name, std::move(tensor));
    ranges.emplace_back(begin, end);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t covered = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin < covered) throw fault("two tensors overlap");
    if (begin > covered) throw fault("there is a gap between two tensors");
    covered = end;
  }
  if (covered != data_size) throw fault("there are bytes that belong to no tensor");
  return result;
}

}  // namespace coterie
