#include "coterie/core/safetensors.h"

#include <sys/resource.h>

#include <array>
#include <cstring>
#include <fstream>

#include "coterie/core/text.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::user_error_of;

std::string length_field(std::uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes;
}

/// A file of this header and data, as any program could have written it.
std::string file_of(const std::string& header, const std::string& data = "") {
  return length_field(header.size()) + header + data;
}

/// What reading a file of these bytes says; the file's name must be in it.
std::string fault_in(const std::string& bytes) {
  const TemporaryFolder folder;
  std::ofstream(folder / "x.safetensors", std::ios::binary) << bytes;
  const auto message = user_error_of([&] { read_safetensors(folder / "x.safetensors"); });
  EXPECT_CONTAINS(message,
                  (folder / "x.safetensors").string() + " is not a sound safetensors file");
  EXPECT_CONTAINS(message, "fetch or write it again");
  return message;
}

/// A header of one tensor.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

const std::string kEight(8, '\x01');

template <class T>
Tensor tensor(std::vector<std::int64_t> shape, std::vector<T> values) {
  return make_tensor<T>(std::move(shape), std::span<const T>(values));
}

TEST(Safetensors, RoundTripOfEveryType) {
  const TemporaryFolder folder;
  TensorMap tensors;
  tensors["float"] = tensor<float>({2, 3}, {1, 2, 3, 4, 5, -0.5f});
  tensors["double"] = tensor<double>({1}, {0.1});
  tensors["int"] = tensor<std::int32_t>({2}, {-1, 2147483647});
  tensors["long"] = tensor<std::int64_t>({1, 1}, {-9223372036854775807});
  tensors["byte"] = tensor<std::uint8_t>({3}, {0, 128, 255});
  tensors["scalar"] = tensor<float>({}, {7});
  tensors["none"] = tensor<float>({0, 5}, {});
  for (const DType dtype : {DType::f16, DType::bf16, DType::i8, DType::i16, DType::boolean}) {
    Tensor raw{dtype, {2, 2}, std::vector<std::byte>(4 * size_of(dtype), std::byte{1})};
    tensors["raw " + std::string(name_of(dtype))] = raw;
  }
  const std::map<std::string, std::string> metadata = {{"method", "ae"},
                                                       {"name", "gr\u00fcn \"x\""}};
  write_safetensors(folder / "m", tensors, metadata);

  const auto read = read_safetensors(folder / "m");
  EXPECT_EQ(read.metadata, metadata);
  ASSERT_EQ(read.tensors.size(), tensors.size());
  for (const auto& [name, expected] : tensors) {
    const Tensor& actual = read.tensors.at(name);
    EXPECT_EQ(actual.dtype, expected.dtype) << name;
    EXPECT_EQ(actual.shape, expected.shape) << name;
    EXPECT_EQ(actual.bytes, expected.bytes) << name;
  }
  EXPECT_EQ(read.tensors.at("float").values<float>()[5], -0.5f);
  EXPECT_EQ(read.tensors.at("float").count(), 6);
  EXPECT_EQ(read.tensors.at("scalar").count(), 1);
}

TEST(Safetensors, WritesThePublicFormat) {
  const TemporaryFolder folder;
  write_safetensors(folder / "m",
                    {{"b", tensor<std::uint8_t>({2}, {1, 2})}, {"a", tensor<float>({1}, {1.0f})}},
                    {{"k", "v"}});
  const std::string header = R"({"__metadata__":{"k":"v"},)"
                             R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                             R"("b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_file(folder / "m"), file_of(padded, std::string("\0\0\x80\x3f\x01\x02", 6)));
}

TEST(Safetensors, NoTensorsAtAll) {
  const TemporaryFolder folder;
  write_safetensors(folder / "m", {});
  EXPECT_TRUE(read_safetensors(folder / "m").tensors.empty());
}

TEST(Safetensors, MatrixBecomesTensor) {
  Matrix<float> matrix(2, 2);
  matrix(1, 0) = 3;
  const Tensor made = make_tensor(matrix);
  EXPECT_EQ(made.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(made.values<float>()[2], 3);
  EXPECT_CONTAINS(user_error_of([&] { made.values<double>(); }), "holds F32 where F64 is expected");
}

TEST(Safetensors, ReadsAnotherOrderAndSpaces) {
  const TemporaryFolder folder;
  write_file(folder / "m",
             file_of(" { \"z\" : {\"shape\":[1],\"dtype\":\"U8\",\"data_offsets\":[0,1]},"
                     "\"a\":{\"dtype\":\"U8\",\"data_offsets\":[1,2],\"shape\":[]}}  ",
                     "zy"));
  const auto read = read_safetensors(folder / "m");
  EXPECT_EQ(static_cast<char>(read.tensors.at("z").bytes[0]), 'z');
  EXPECT_EQ(static_cast<char>(read.tensors.at("a").bytes[0]), 'y');
}

TEST(SafetensorsFault, LengthField) {
  EXPECT_CONTAINS(fault_in(""), "shorter than its eight-byte length field");
  EXPECT_CONTAINS(fault_in("1234567"), "shorter than its eight-byte length field");
  EXPECT_CONTAINS(fault_in(length_field(100'000'001)),
                  "header of 100000001 bytes, limit 100000000");
  EXPECT_CONTAINS(fault_in(std::string(8, '\xff')), "header of 18446744073709551615 bytes");
  EXPECT_CONTAINS(fault_in(length_field(3) + "{}"), "the header ends beyond the file");
}

TEST(SafetensorsFault, HeaderIsNoJsonObject) {
  for (const std::string header :
       {"", "not json", "[]", "null", "3", "{\"a\":", "{} {}", "{\"\xff\":1}"})
    EXPECT_CONTAINS(fault_in(file_of(header)), "the header is not a JSON object") << header;
  // Deep nesting must not exhaust the stack.
  EXPECT_CONTAINS(fault_in(file_of(std::string(1'000'000, '['))), "not a JSON object");
}

TEST(SafetensorsFault, EntryLacksSomething) {
  for (const std::string entry :
       {R"({"w":3})", R"({"w":{}})", R"({"w":{"dtype":"U8","shape":[8]}})",
        R"({"w":{"dtype":"U8","data_offsets":[0,8]}})",
        R"({"w":{"shape":[8],"data_offsets":[0,8]}})"})
    EXPECT_CONTAINS(fault_in(file_of(entry, kEight)),
                    "tensor 'w' lacks a proper dtype, shape or data_offsets");
  for (const auto& [dtype, shape, offsets] :
       std::vector<std::array<std::string, 3>>{{"8", "[8]", "[0,8]"},
                                               {R"("U8")", "8", "[0,8]"},
                                               {R"("U8")", "[-8]", "[0,8]"},
                                               {R"("U8")", "[8.0]", "[0,8]"},
                                               {R"("U8")", R"(["8"])", "[0,8]"},
                                               {R"("U8")", "[8]", "[0]"},
                                               {R"("U8")", "[8]", "[0,4,8]"},
                                               {R"("U8")", "[8]", "[-1,8]"},
                                               {R"("U8")", "[8]", "{}"}})
    EXPECT_CONTAINS(fault_in(file_of(one(dtype, shape, offsets), kEight)), "lacks a proper");
}

TEST(SafetensorsFault, UnknownType) {
  EXPECT_CONTAINS(fault_in(file_of(one(R"("F7\n")", "[8]", "[0,8]"), kEight)),
                  "tensor 'w' has the unknown type 'F7\\x0a'");
}

TEST(SafetensorsFault, ShapeThatOverflows) {
  for (const std::string shape :
       {"[4294967296,4294967296]", "[9223372036854775807,3]", "[18446744073709551615]",
        "[4611686018427387904,2]", "[4294967296,4294967296,0]"})
    EXPECT_CONTAINS(fault_in(file_of(one(R"("F32")", shape, "[0,8]"), kEight)),
                    "tensor 'w': the product of its shape overflows")
        << shape;
}

TEST(SafetensorsFault, ShapeAgainstBytes) {
  EXPECT_CONTAINS(fault_in(file_of(one(R"("F32")", "[3]", "[0,8]"), kEight)),
                  "tensor 'w': its shape needs 12 bytes, its offsets hold 8");
  EXPECT_CONTAINS(fault_in(file_of(one(R"("F32")", "[0]", "[0,8]"), kEight)),
                  "needs 0 bytes, its offsets hold 8");
}

TEST(SafetensorsFault, OffsetsOutsideTheData) {
  EXPECT_CONTAINS(fault_in(file_of(one(R"("U8")", "[9]", "[0,9]"), kEight)),
                  "tensor 'w' lies at 0 to 9 of 8 data bytes");
  EXPECT_CONTAINS(fault_in(file_of(one(R"("U8")", "[8]", "[8,0]"), kEight)), "lies at 8 to 0");
}

std::string two(const std::string& first, const std::string& second) {
  const auto entry = [](const std::string& at, int count) {
    return R"({"dtype":"U8","shape":[)" + std::to_string(count) + R"(],"data_offsets":)" + at + "}";
  };
  return R"({"a":)" + entry(first, 4) + R"(,"b":)" + entry(second, 4) + "}";
}

TEST(SafetensorsFault, OverlapGapAndRest) {
  EXPECT_CONTAINS(fault_in(file_of(two("[0,4]", "[3,7]"), std::string(7, 'x'))),
                  "two tensors overlap");
  EXPECT_CONTAINS(fault_in(file_of(two("[0,4]", "[0,4]"), std::string(4, 'x'))),
                  "two tensors overlap");
  EXPECT_CONTAINS(fault_in(file_of(two("[0,4]", "[5,9]"), std::string(9, 'x'))),
                  "there is a gap before byte 5 of the data");
  EXPECT_CONTAINS(fault_in(file_of(two("[1,5]", "[5,9]"), std::string(9, 'x'))),
                  "there is a gap before byte 1 of the data");
  EXPECT_CONTAINS(fault_in(file_of(two("[0,4]", "[4,8]"), std::string(11, 'x'))),
                  "the last 3 bytes belong to no tensor");
  EXPECT_CONTAINS(fault_in(file_of("{}", "x")), "the last 1 bytes belong to no tensor");
}

TEST(SafetensorsFault, OverlappingTensorsTakeNoMemory) {
  // 30 tensors that all claim the same 32 MB: close to 1 GB where they were copied first.
  constexpr std::uint64_t kSize = 32 << 20;
  std::string header = "{";
  for (int i = 0; i < 30; ++i)
    header += (i ? ",\"" : "\"") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[33554432],"data_offsets":[0,33554432]})";
  header += "}";
  const TemporaryFolder folder;
  std::ofstream(folder / "m", std::ios::binary) << file_of(header);
  std::filesystem::resize_file(folder / "m", 8 + header.size() + kSize);
  const auto peak_kilobytes = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const auto before = peak_kilobytes();
  EXPECT_CONTAINS(user_error_of([&] { read_safetensors(folder / "m"); }), "two tensors overlap");
  EXPECT_LT(peak_kilobytes() - before, 200'000);
}

TEST(SafetensorsFault, Metadata) {
  EXPECT_CONTAINS(fault_in(file_of(R"({"__metadata__":[]})")), "__metadata__ is not an object");
  EXPECT_CONTAINS(fault_in(file_of(R"({"__metadata__":{"a":1}})")),
                  "__metadata__ holds something other than text");
}

TEST(SafetensorsFault, EveryTruncationIsNoticed) {
  const TemporaryFolder folder;
  write_safetensors(folder / "m",
                    {{"a", tensor<float>({2}, {1, 2})}, {"b", tensor<float>({1}, {3})}},
                    {{"k", "v"}});
  const std::string whole = read_file(folder / "m");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(fault_in(whole.substr(0, size)).empty()) << size;
}

TEST(SafetensorsFault, WhatCannotBeWrittenIsNamed) {
  const TemporaryFolder folder;
  Tensor wrong = tensor<float>({2}, {1, 2});
  wrong.shape = {3};
  const auto write = [&](const TensorMap& tensors,
                         const std::map<std::string, std::string>& metadata) {
    return user_error_of([&] { write_safetensors(folder / "m", tensors, metadata); });
  };
  EXPECT_CONTAINS(write({{"w", wrong}}, {}), "tensor 'w' has 8 bytes");
  const Tensor fine = tensor<float>({1}, {1});
  EXPECT_CONTAINS(write({{"\xff", fine}}, {}), "tensor '\\xff' needs another name");
  EXPECT_CONTAINS(write({{"__metadata__", fine}}, {}), "needs another name");
  EXPECT_CONTAINS(write({}, {{"path", "\xff"}}), "metadata 'path' is not UTF-8");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace coterie
