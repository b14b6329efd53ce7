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
constexpr const char* kMetadata = "__metadata__";

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

/// A tensor as the header describes it: without its bytes, but with their place in the data.
struct Entry {
  std::string name;
  Tensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

bool holds_naturals(const nlohmann::json& entry, const char* key) {
  return entry.contains(key) && entry[key].is_array() &&
         std::all_of(entry[key].begin(), entry[key].end(),
                     [](const nlohmann::json& v) { return v.is_number_unsigned(); });
}

Entry parse_entry(const std::string& name, const nlohmann::json& value, std::uint64_t data_size) {
  const std::string where = fmt::format("tensor '{}'", printable(name));
  if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string() ||
      !holds_naturals(value, "shape") || !holds_naturals(value, "data_offsets") ||
      value["data_offsets"].size() != 2)
    throw UserError("{} lacks a proper dtype, shape or data_offsets", where);
  const auto dtype_name = value["dtype"].get<std::string>();
  const auto* dtype = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                   [&](const DTypeName& e) { return dtype_name == e.name; });
  if (dtype == std::end(kDTypes))
    throw UserError("{} has the unknown type '{}'", where, printable(dtype_name));
  Entry entry{name, {dtype->dtype, {}, {}}};
  for (const auto& extent : value["shape"]) {
    if (extent.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
      throw UserError("{}: the product of its shape overflows", where);
    entry.tensor.shape.push_back(extent.get<std::int64_t>());
  }
  entry.begin = value["data_offsets"][0].get<std::uint64_t>();
  entry.end = value["data_offsets"][1].get<std::uint64_t>();
  if (entry.begin > entry.end || entry.end > data_size)
    throw UserError("{} lies at {} to {} of {} data bytes", where, entry.begin, entry.end,
                    data_size);
  const std::uint64_t expected = checked_bytes(entry.tensor.shape, dtype->size, where);
  if (expected != entry.end - entry.begin)
    throw UserError("{}: its shape needs {} bytes, its offsets hold {}", where, expected,
                    entry.end - entry.begin);
  return entry;
}

std::map<std::string, std::string> parse_metadata(const nlohmann::json& value) {
  if (!value.is_object()) throw UserError("__metadata__ is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw UserError("__metadata__ holds something other than text");
    metadata[key] = text;
  }
  return metadata;
}

/// Throws unless the entries cover the data once, without gaps.
void check_cover(const std::vector<Entry>& entries, std::uint64_t data_size) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& entry : entries) ranges.emplace_back(entry.begin, entry.end);
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t covered = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin < covered) throw UserError("two tensors overlap");
    if (begin > covered) throw UserError("there is a gap before byte {} of the data", begin);
    covered = end;
  }
  if (covered != data_size)
    throw UserError("the last {} bytes belong to no tensor", data_size - covered);
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
  const auto fault = [&](const std::string& what) {
    return UserError("cannot write {}: {}", printable(path.native()), what);
  };
  for (const auto& [key, value] : metadata)
    if (!is_utf8(key) || !is_utf8(value))
      throw fault("metadata '" + printable(key) + "' is not UTF-8");
  nlohmann::ordered_json header;
  if (!metadata.empty()) header[kMetadata] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::string where = fmt::format("tensor '{}'", printable(name));
    if (!is_utf8(name) || name == kMetadata) throw fault(where + " needs another name");
    if (checked_bytes(tensor.shape, size_of(tensor.dtype), where) != tensor.bytes.size())
      throw fault(fmt::format("{} has {} bytes, which is not what its shape needs", where,
                              tensor.bytes.size()));
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
  const auto fault = [&](const std::string& what) {
    return UserError("{} is not a sound safetensors file: {}; fetch or write it again",
                     printable(path.native()), what);
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
  const auto data = file.bytes().subspan(sizeof(length) + length);

  SafetensorsFile result;
  std::vector<Entry> entries;
  try {
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadata) {
        result.metadata = parse_metadata(value);
      } else {
        entries.push_back(parse_entry(name, value, data.size()));
      }
    }
    check_cover(entries, data.size());
  } catch (const UserError& error) {
    throw fault(error.what());
  }
  // Copied only now: entries that overlap could ask for any amount of memory.
  for (auto& entry : entries) {
    const auto bytes = data.subspan(entry.begin, entry.end - entry.begin);
    entry.tensor.bytes.assign(bytes.begin(), bytes.end());
    result.tensors.emplace(std::move(entry.name), std::move(entry.tensor));
  }
  return result;
}

}  // namespace coterie
