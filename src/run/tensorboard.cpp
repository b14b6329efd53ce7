#include "coterie/run/tensorboard.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}();

/// The bytes of an unsigned number, the lowest first.
template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(value); ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}

/// A checksum as TFRecord stores it: changed, so that a checksum of bytes that hold one is sound.
std::string masked_crc(std::string_view bytes) {
  return little_endian(std::rotr(crc32c(bytes), 15) + 0xa282ead8u);
}

// Fields of a protobuf message: a key of number and kind, then the value.
enum Kind { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string key(unsigned number, Kind kind) { return varint(number << 3 | kind); }

std::string bytes_field(unsigned number, std::string_view value) {
  return key(number, kBytes) + varint(value.size()) + std::string(value);
}

std::string double_field(unsigned number, double value) {
  return key(number, kFixed64) + little_endian(std::bit_cast<std::uint64_t>(value));
}

std::string float_field(unsigned number, float value) {
  return key(number, kFixed32) + little_endian(std::bit_cast<std::uint32_t>(value));
}

std::string integer_field(unsigned number, std::int64_t value) {
  return key(number, kVarint) + varint(static_cast<std::uint64_t>(value));
}

// The messages Event and Summary.Value of TensorFlow.

double time_of_day() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string version_event() {
  return double_field(1, time_of_day()) + bytes_field(3, "brain.Event:2");
}

std::string summary_event(std::int64_t step, const std::string& summary) {
  return double_field(1, time_of_day()) + integer_field(2, step) + bytes_field(5, summary);
}

std::string summary_value(const std::string& tag, double value) {
  return bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
}

/// The numbers of `line` and of its losses; `stage` goes before their names.
std::string summary_of(const nlohmann::json& line, const std::string& stage) {
  std::string summary;
  for (const auto& [name, value] : line.items()) {
    if (name == "losses" && value.is_object()) summary += summary_of(value, stage);
    if (name == "cluster_sizes" && value.is_array() && !value.empty()) {
      const auto sizes = value.get<std::vector<double>>();
      summary += summary_value(stage + "largest_cluster",
                               *std::max_element(sizes.begin(), sizes.end()) /
                                   std::accumulate(sizes.begin(), sizes.end(), 0.0));
    }
    if (value.is_number() && name != "epoch" && name != "seconds")
      summary += summary_value(stage + name, value.get<double>());
  }
  return summary;
}

/// A name that is free. TensorBoard reads a folder's files in the order of their names.
fs::path next_file(const fs::path& folder) {
  const auto seconds = static_cast<std::int64_t>(time_of_day());
  fs::path path;
  int number = 0;
  do {
    path = folder / fmt::format("events.out.tfevents.{:010}.coterie.{}", seconds, number++);
  } while (path_exists(path));
  return path;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char byte : bytes)
    crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 255];
  return ~crc;
}

TensorBoardWriter::TensorBoardWriter(const fs::path& folder) {
  create_folder(folder);
  path_ = next_file(folder);
  file_.open(path_, std::ios::binary);
  write_record(version_event());
}

void TensorBoardWriter::add(const nlohmann::json& line) {
  ++lines_;
  const auto stage = line.find("stage");
  const std::string summary =
      summary_of(line, stage == line.end() ? "" : stage->get<std::string>() + "/");
  if (!summary.empty()) write_record(summary_event(line.value("epoch", lines_), summary));
}

void TensorBoardWriter::write_record(std::string_view event) {
  const std::string length = little_endian(std::uint64_t{event.size()});
  file_ << length << masked_crc(length) << event << masked_crc(event) << std::flush;
  if (!file_)
    throw UserError("cannot write {}; check that its disk has space and that you may write there",
                    printable(path_.native()));
}

}  // namespace coterie
