#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace coterie::testing {

/// An event of a TensorBoard file as the formats of TFRecord and protobuf define it, read with
/// nothing of the writer's.
struct Event {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string file_version;
  std::map<std::string, float> scalars;
};

/// CRC-32C by polynomial division, bit by bit.
inline std::uint32_t divided_crc32c(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = ((crc ^ (static_cast<unsigned char>(byte) >> bit)) & 1) != 0;
      crc = odd ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
    }
  return crc ^ 0xffffffff;
}

/// Reads bytes from the front; throws where there are too few.
class ByteReader {
 public:
  explicit ByteReader(std::string bytes) : bytes_(std::move(bytes)) {}
  bool at_end() const { return place_ == bytes_.size(); }
  std::string take(std::uint64_t count) {
    if (count > bytes_.size() - place_) throw std::runtime_error("the file ends too early");
    place_ += count;
    return bytes_.substr(place_ - count, count);
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = number<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a number without an end");
  }
  /// The content of a record of a TFRecord file, with both checksums checked.
  std::string record() {
    const std::string length = take(8);
    check(length);
    std::uint64_t count;
    std::memcpy(&count, length.data(), 8);
    std::string content = take(count);
    check(content);
    return content;
  }

 private:
  void check(const std::string& content) {
    const std::uint32_t unmasked = number<std::uint32_t>() - 0xa282ead8;
    if (((unmasked << 15) | (unmasked >> 17)) != divided_crc32c(content))
      throw std::runtime_error("a checksum is wrong");
  }
  std::string bytes_;
  std::size_t place_ = 0;
};

inline void read_value(ByteReader value, Event& event) {
  std::string tag;
  while (!value.at_end()) {
    const auto key = value.varint();
    if (key == (1 << 3 | 2)) {
      tag = value.take(value.varint());
    } else if (key == (2 << 3 | 5)) {
      event.scalars[tag] = value.number<float>();
    } else {
      throw std::runtime_error("an unknown field of Summary.Value");
    }
  }
}

inline Event read_event(ByteReader message) {
  Event event;
  while (!message.at_end()) switch (message.varint()) {
      case 1 << 3 | 1:
        event.wall_time = message.number<double>();
        break;
      case 2 << 3 | 0:
        event.step = static_cast<std::int64_t>(message.varint());
        break;
      case 3 << 3 | 2:
        event.file_version = message.take(message.varint());
        break;
      case 5 << 3 | 2: {
        ByteReader summary(message.take(message.varint()));
        while (!summary.at_end()) {
          if (summary.varint() != (1 << 3 | 2)) throw std::runtime_error("no Summary.Value");
          read_value(ByteReader(summary.take(summary.varint())), event);
        }
        break;
      }
      default:
        throw std::runtime_error("an unknown field of Event");
    }
  return event;
}

/// Every event of a file. Throws where its framing, a checksum or a message is wrong.
inline std::vector<Event> read_events(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  ByteReader file(text.str());
  std::vector<Event> events;
  while (!file.at_end()) events.push_back(read_event(ByteReader(file.record())));
  return events;
}

/// The event files of a folder in the order in which TensorBoard reads them.
inline std::vector<std::filesystem::path> event_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("events.out.tfevents."))
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace coterie::testing
