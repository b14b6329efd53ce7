#include "coterie/data/pack.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string_view>

#include "coterie/core/error.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using nlohmann::json;

constexpr std::string_view kPackMagic = "COTPACK1";
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kLengthEnd = 16;  // magic and header length
constexpr std::uint64_t kCopyBytes = 4 << 20;

std::uint64_t next_page(std::uint64_t offset) { return (offset + kPage - 1) / kPage * kPage; }

/// Strings as a table of 64-bit ends, then their bytes.
std::string string_section(const std::vector<std::string>& strings) {
  std::string bytes(strings.size() * sizeof(std::uint64_t), '\0');
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < strings.size(); ++i) {
    end += strings[i].size();
    std::memcpy(bytes.data() + i * sizeof(end), &end, sizeof(end));
  }
  bytes.reserve(bytes.size() + end);
  for (const auto& text : strings) bytes += text;
  return bytes;
}

[[noreturn]] void unusable(const fs::path& path, std::string_view cause) {
  throw UserError("{} is no usable pack: {}; make it again from its source",
                  printable(path.native()), cause);
}

/// A mapped pack whose header, offsets and sizes were found to be consistent.
class PackReader {
 public:
  explicit PackReader(const fs::path& path) : path_(path), file_(path) {
    const auto bytes = file_.bytes();
    if (bytes.size() < kPackMagic.size() || std::memcmp(bytes.data(), kPackMagic.data(), kPackMagic.size()))
      unusable(path, "it does not begin with COTPACK1");
    if (bytes.size() < kPage) unusable(path, "it is cut off in its header");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + kPackMagic.size(), sizeof(length));
    if (length > kPage - kLengthEnd) unusable(path, "its header length is out of range");
    const auto* text = reinterpret_cast<const char*>(bytes.data()) + kLengthEnd;
    header_ = json::parse(text, text + length, nullptr, false);
    if (!header_.is_object()) unusable(path, "its header is no JSON object");
    const std::uint64_t expected = number(header_, "file_bytes");
    if (expected != bytes.size())
      unusable(path, fmt::format("it has {} bytes where {} were written", bytes.size(), expected));
    read_pixels();
  }

  std::int64_t count() const { return count_; }
  const ImageShape& shape() const { return shape_; }
  const std::uint8_t* pixels() const {
    return reinterpret_cast<const std::uint8_t*>(file_.bytes().data()) + pixel_offset_;
  }

  std::string fingerprint() const {
    const auto found = header_.find("fingerprint");
    if (found == header_.end() || !found->is_string()) missing("fingerprint");
    return found->get<std::string>();
  }

  std::vector<std::string> strings(const char* name) const {
    const Section section = find(name);
    if (section.count > section.bytes.size() / sizeof(std::uint64_t)) torn(name);
    const std::uint64_t table = section.count * sizeof(std::uint64_t);
    const std::string_view text = section.bytes.substr(table);
    std::vector<std::string> out;
    out.reserve(section.count);
    std::uint64_t begin = 0;
    for (std::uint64_t i = 0; i < section.count; ++i) {
      std::uint64_t end = 0;
      std::memcpy(&end, section.bytes.data() + i * sizeof(end), sizeof(end));
      if (end < begin || end > text.size()) torn(name);
      out.emplace_back(text.substr(begin, end - begin));
      begin = end;
    }
    return out;
  }

  std::vector<std::int32_t> integers(const char* name) const {
    const Section section = find(name);
    if (section.bytes.size() % sizeof(std::int32_t) ||
        section.count != section.bytes.size() / sizeof(std::int32_t))
      torn(name);
    std::vector<std::int32_t> out(section.count);
    if (!out.empty()) std::memcpy(out.data(), section.bytes.data(), section.bytes.size());
    return out;
  }

  [[noreturn]] void torn(const char* name) const {
    unusable(path_, fmt::format("its section '{}' is damaged", name));
  }

  MappedFile take_file() && { return std::move(file_); }

 private:
  struct Section {
    std::uint64_t count;
    std::string_view bytes;
  };

  [[noreturn]] void missing(const char* name) const {
    unusable(path_, fmt::format("its header has no usable '{}'", name));
  }

  std::uint64_t number(const json& object, const char* name) const {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_unsigned()) missing(name);
    return found->get<std::uint64_t>();
  }

  void read_pixels() {
    const std::uint64_t limit = file_.size();
    const std::uint64_t sizes[] = {number(header_, "count"), number(header_, "channels"),
                                   number(header_, "height"), number(header_, "width")};
    std::uint64_t product = 1;
    for (const std::uint64_t size : sizes) {
      if (size > limit || __builtin_mul_overflow(product, size, &product))
        unusable(path_, "its shape is larger than the file");
    }
    pixel_offset_ = number(header_, "pixels");
    if (pixel_offset_ % kPage || pixel_offset_ > limit || product > limit - pixel_offset_)
      unusable(path_, "its pixels lie outside the file");
    if (product != number(header_, "pixel_bytes"))
      unusable(path_, "its shape does not fit its number of pixels");
    pixels_end_ = pixel_offset_ + product;
    count_ = static_cast<std::int64_t>(sizes[0]);
    shape_ = {static_cast<std::int64_t>(sizes[1]), static_cast<std::int64_t>(sizes[2]),
              static_cast<std::int64_t>(sizes[3])};
    if (count_ > 0 && shape_.pixels() == 0) unusable(path_, "its images have no pixel");
  }

  Section find(const char* name) const {
    const auto sections = header_.find("sections");
    if (sections == header_.end() || !sections->is_object()) missing("sections");
    const auto found = sections->find(name);
    if (found == sections->end() || !found->is_object()) missing(name);
    const std::uint64_t offset = number(*found, "offset");
    const std::uint64_t size = number(*found, "bytes");
    if (offset < pixels_end_ || offset > file_.size() || size > file_.size() - offset) torn(name);
    return {number(*found, "count"),
            {reinterpret_cast<const char*>(file_.bytes().data()) + offset, size}};
  }

  fs::path path_;
  MappedFile file_;
  json header_;
  std::int64_t count_ = 0;
  ImageShape shape_;
  std::uint64_t pixel_offset_ = 0;
  std::uint64_t pixels_end_ = 0;
};

std::string source_fingerprint_of(const PackReader& pack) {
  const auto origin = pack.strings("origin");
  if (origin.size() != 2) pack.torn("origin");
  return origin[1];
}

}  // namespace

PackWriter::PackWriter(const fs::path& path, ImageShape shape, std::int64_t capacity)
    : file_(path), shape_(shape), capacity_(capacity) {
  std::int64_t bytes = capacity;
  for (const std::int64_t size : {shape.channels, shape.height, shape.width})
    if (size <= 0 || __builtin_mul_overflow(bytes, size, &bytes) || bytes < 0 ||
        bytes > std::int64_t{1} << 62)
      throw UserError(
          "{} images of {} x {} x {} make no pack: the size must be positive and below 2^62 bytes",
          capacity, shape.channels, shape.height, shape.width);
}

void PackWriter::write_images(std::int64_t slot, std::span<const std::uint8_t> pixels) {
  const auto each = static_cast<std::uint64_t>(shape_.pixels());
  if (slot < 0 || pixels.size() % each ||
      pixels.size() / each > static_cast<std::uint64_t>(capacity_ - std::min(slot, capacity_)))
    throw std::out_of_range("images written outside the slots of a pack");
  file_.write_at(pixels.data(), pixels.size(), kPage + static_cast<std::uint64_t>(slot) * each);
}

void PackWriter::finish(const PackContent& content) {
  std::vector<std::int64_t> slots(content.paths.size());
  std::iota(slots.begin(), slots.end(), std::int64_t{0});
  finish(content, slots);
}

void PackWriter::finish(const PackContent& content, const std::vector<std::int64_t>& slots) {
  const std::size_t count = slots.size();
  if (content.paths.size() != count || (!content.truth.empty() && content.truth.size() != count))
    throw std::invalid_argument("a pack's slots, paths and ground truth differ in number");
  const auto each = static_cast<std::uint64_t>(shape_.pixels());

  // One pass in the order of the rows: squeeze out the empty slots and take the fingerprint.
  Sha256 hash;
  hash.update(
      fmt::format("images {} {} {} {}\n", count, shape_.channels, shape_.height, shape_.width));
  const std::size_t most = std::max<std::size_t>(1, kCopyBytes / each);
  std::vector<std::uint8_t> buffer(std::min(most, std::max<std::size_t>(count, 1)) * each);
  for (std::size_t row = 0; row < count;) {
    std::size_t run = 1;
    while (run < most && row + run < count && slots[row + run] == slots[row] + std::int64_t(run))
      ++run;
    const std::uint64_t from = kPage + static_cast<std::uint64_t>(slots[row]) * each;
    const std::uint64_t to = kPage + row * each;
    file_.read_at(buffer.data(), run * each, from);
    hash.update(buffer.data(), run * each);
    if (from != to) file_.write_at(buffer.data(), run * each, to);
    row += run;
  }

  std::vector<std::string> bad_paths, bad_causes;
  for (const auto& bad : content.bad_files) {
    bad_paths.push_back(bad.path);
    bad_causes.push_back(bad.cause);
  }
  std::uint64_t end = next_page(kPage + count * each);
  file_.resize(end);
  json sections = json::object();
  const auto add = [&](const char* name, std::size_t items, std::string_view bytes) {
    file_.write_at(bytes.data(), bytes.size(), end);
    sections[name] = {{"offset", end}, {"bytes", bytes.size()}, {"count", items}};
    end += bytes.size();
  };
  const auto add_strings = [&](const char* name, const std::vector<std::string>& strings) {
    add(name, strings.size(), string_section(strings));
  };
  add_strings("paths", content.paths);
  add("truth", content.truth.size(),
      {reinterpret_cast<const char*>(content.truth.data()),
       content.truth.size() * sizeof(std::int32_t)});
  add_strings("class_names", content.class_names);
  add_strings("bad_paths", bad_paths);
  add_strings("bad_causes", bad_causes);
  add_strings("origin", {content.source, content.source_fingerprint});

  const json header = {{"format", 1},
                       {"count", count},
                       {"channels", shape_.channels},
                       {"height", shape_.height},
                       {"width", shape_.width},
                       {"pixels", kPage},
                       {"pixel_bytes", count * each},
                       {"sections", sections},
                       {"fingerprint", hash.hex_digest()},
                       {"file_bytes", end}};
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  std::string start(kPackMagic);
  start.append(reinterpret_cast<const char*>(&length), sizeof(length));
  start += text;
  if (start.size() > kPage) throw std::length_error("a pack's header exceeds its page");
  file_.write_at(start.data(), start.size(), 0);
  file_.commit();
}

void write_pack(const fs::path& path, const PackContent& content) {
  const auto count = static_cast<std::int64_t>(content.paths.size());
  PackWriter writer(path, content.shape, count);
  writer.write_images(0,
                      {content.pixels, static_cast<std::size_t>(count * content.shape.pixels())});
  writer.finish(content);
}

void write_pack_of_part(const fs::path& path, const Dataset& dataset, const DatasetPart& part) {
  if (!dataset.has_images())
    throw UserError("{} holds features; only images are packed", printable(dataset.source));
  const auto known = static_cast<std::int64_t>(dataset.class_names.size());
  if (part.classes > known)
    throw UserError("{}: its first {} classes are asked for, but its ground truth has {}",
                    printable(dataset.source), part.classes, known);
  const std::int64_t classes = part.classes > 0 ? part.classes : known;
  PackContent content{
      .shape = dataset.shape,
      .class_names = {dataset.class_names.begin(), dataset.class_names.begin() + classes},
      .source = dataset.source,
      .source_fingerprint = dataset.fingerprint};
  PackWriter writer(path, dataset.shape, dataset.size());
  std::int64_t slot = 0;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    if (part.images > 0 && slot == part.images) break;
    if (part.classes > 0 && dataset.truth[i] >= classes) continue;
    writer.write_images(slot++, dataset.training_data().image(i));
    content.paths.push_back(dataset.paths[i]);
    if (!dataset.truth.empty()) content.truth.push_back(dataset.truth[i]);
  }
  if (slot < part.images)
    throw UserError("{}: its first {} images are asked for, but it has {}",
                    printable(dataset.source), part.images, slot);
  writer.finish(content);
}

Dataset open_pack(const fs::path& path) {
  PackReader pack(path);
  Dataset dataset;
  dataset.paths = pack.strings("paths");
  if (dataset.size() != pack.count()) pack.torn("paths");
  dataset.class_names = pack.strings("class_names");
  dataset.truth = pack.integers("truth");
  if (!dataset.truth.empty() && static_cast<std::int64_t>(dataset.truth.size()) != pack.count())
    pack.torn("truth");
  const auto classes = static_cast<std::int64_t>(dataset.class_names.size());
  for (const std::int32_t label : dataset.truth)
    if (label < 0 || label >= classes) pack.torn("truth");
  const auto bad_paths = pack.strings("bad_paths");
  const auto bad_causes = pack.strings("bad_causes");
  if (bad_paths.size() != bad_causes.size()) pack.torn("bad_causes");
  for (std::size_t i = 0; i < bad_paths.size(); ++i)
    dataset.bad_files.push_back({bad_paths[i], bad_causes[i]});
  source_fingerprint_of(pack);
  dataset.source = pack.strings("origin")[0];
  dataset.fingerprint = pack.fingerprint();
  dataset.shape = pack.shape();
  dataset.pixels = pack.pixels();
  dataset.pack = path;
  dataset.storage = std::make_shared<MappedFile>(std::move(pack).take_file());
  return dataset;
}

std::string pack_source_fingerprint(const fs::path& path) {
  try {
    return source_fingerprint_of(PackReader(path));
  } catch (const UserError&) {
    return {};
  }
}

}  // namespace coterie
