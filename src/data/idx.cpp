#include "coterie/data/idx.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/data/input_bytes.h"
#include "coterie/data/source.h"

namespace coterie {
namespace {

constexpr int kUint8 = 8;

const char* type_name(int type) {
  switch (type) {
    case 0x09:
      return "int8";
    case 0x0b:
      return "int16";
    case 0x0c:
      return "int32";
    case 0x0d:
      return "float32";
    case 0x0e:
      return "float64";
    default:
      return nullptr;
  }
}

class IdxFile {
 public:
  explicit IdxFile(const std::filesystem::path& path) : bytes_(path) {
    std::array<std::uint8_t, 4> magic{};
    const std::size_t got = bytes_.read(magic.data(), magic.size());
    const int type = magic[2];
    if (got == magic.size() && magic[0] == 0 && magic[1] == 0 && type_name(type))
      throw UserError("{} holds {} values; IDX files of uint8 are read", name(), type_name(type));
    if (got < magic.size() || magic[0] || magic[1] || type != kUint8 || magic[3] == 0)
      throw UserError(
          "{} is no IDX file of uint8: it begins with {:02x} where 00 00 08 and the "
          "number of dimensions are due",
          name(), fmt::join(magic.begin(), magic.begin() + got, " "));
    for (int i = 0; i < magic[3]; ++i) {
      std::array<std::uint8_t, 4> size{};
      if (bytes_.read(size.data(), size.size()) < size.size())
        throw UserError("{} is cut off in its header; copy it again", name());
      shape_.push_back(std::int64_t{size[0]} << 24 | size[1] << 16 | size[2] << 8 | size[3]);
    }
    total_ = checked_bytes(shape_, 1, name());
    const std::int64_t header = 4 + 4 * magic[3];
    if (bytes_.known_size() >= 0) check_total(bytes_.known_size() - header);
  }

  const std::string& name() const { return bytes_.name(); }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::int64_t total() const { return total_; }

  /// The next `count` of the total bytes.
  void read(std::uint8_t* to, std::int64_t count) {
    const auto got = static_cast<std::int64_t>(bytes_.read(to, static_cast<std::size_t>(count)));
    read_ += got;
    if (got < count) check_total(read_);
  }
  /// After the last byte: whether the file ends here, and its checksum is right.
  void finish() {
    std::uint8_t extra = 0;
    if (bytes_.read(&extra, 1) != 0)
      throw UserError("{} has bytes after the {} that its header ({}) promises; copy it again",
                      name(), total_, fmt::join(shape_, " x "));
  }

 private:
  void check_total(std::int64_t found) const {
    if (found == total_) return;
    throw UserError("{} {}: its header ({}) promises {} bytes of data, {} are there; copy it again",
                    name(), found < total_ ? "is cut off" : "has bytes after its data",
                    fmt::join(shape_, " x "), total_, found);
  }

  InputBytes bytes_;
  std::vector<std::int64_t> shape_;
  std::int64_t total_ = 0;
  std::int64_t read_ = 0;
};

}  // namespace

ImageArray open_idx_images(const std::filesystem::path& path) {
  auto file = std::make_shared<IdxFile>(path);
  const auto& shape = file->shape();
  const std::string sizes = fmt::format("{}", fmt::join(shape, " x "));
  if (shape.size() == 1)
    throw UserError(
        "{} holds a list of {} numbers, which are labels; images have 3 dimensions: give "
        "the image file as input and this one as its labels",
        file->name(), sizes);
  const std::int64_t channels = shape.size() == 4 ? shape[3] : 1;
  if (shape.size() < 3 || shape.size() > 4 || (channels != 1 && channels != 3))
    throw UserError("{} has the shape {}; images are N x H x W, or N x H x W x C with C = 1 or 3",
                    file->name(), sizes);
  if (file->total() == 0) throw UserError("{} holds no pixel (shape {})", file->name(), sizes);

  ImageArray array{path.filename().native(), {channels, shape[1], shape[2]}, shape[0], {}};
  array.write = [file, array](ImageSink& sink, std::int64_t first) {
    const std::int64_t each = array.shape.pixels();
    const std::int64_t piece = std::max<std::int64_t>(1, (1 << 20) / each);
    const auto piece_bytes = static_cast<std::size_t>(std::min(piece, array.count) * each);
    std::vector<std::uint8_t> buffer(piece_bytes);
    std::vector<std::uint8_t> planes(array.shape.channels > 1 ? piece_bytes : 0);
    for (std::int64_t at = 0; at < array.count; at += piece) {
      const std::int64_t count = std::min(piece, array.count - at);
      file->read(buffer.data(), count * each);
      if (!planes.empty())
        for (std::int64_t i = 0; i < count; ++i)
          interleaved_to_planes(buffer.data() + i * each, array.shape, planes.data() + i * each);
      const auto& from = planes.empty() ? buffer : planes;
      sink.put(first + at, count, {from.data(), static_cast<std::size_t>(count * each)});
    }
    file->finish();
  };
  return array;
}

std::vector<std::int64_t> read_idx_labels(const std::filesystem::path& path) {
  IdxFile file(path);
  if (file.shape().size() != 1)
    throw UserError("{} has {} dimensions ({}); labels have one", file.name(), file.shape().size(),
                    fmt::join(file.shape(), " x "));
  std::vector<std::int64_t> labels;
  std::array<std::uint8_t, 1 << 16> buffer;
  // Piece by piece: a damaged header may promise more than memory holds.
  for (std::int64_t left = file.total(); left > 0;) {
    const std::int64_t count = std::min<std::int64_t>(left, buffer.size());
    file.read(buffer.data(), count);
    labels.insert(labels.end(), buffer.begin(), buffer.begin() + count);
    left -= count;
  }
  file.finish();
  return labels;
}

}  // namespace coterie
