#include "coterie/data/cifar.h"

#include <cstring>
#include <memory>
#include <string_view>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/data/source.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

struct RecordForm {
  std::int64_t label_bytes;  ///< the first of them is the ground truth
  ImageShape shape;
  int classes;
  std::int64_t bytes() const { return label_bytes + shape.pixels(); }
};

constexpr RecordForm kCifar10{1, {3, 32, 32}, 10};
constexpr RecordForm kCifar100{2, {3, 32, 32}, 20};
constexpr RecordForm kStl10{0, {3, 96, 96}, 10};

/// The lines of a file of names, or nothing where it is absent or has another number of lines.
std::vector<std::string> read_names(const fs::path& path, int classes) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  const std::string text = read_file(path, 1 << 20);
  std::vector<std::string> names;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.empty()) names.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (names.size() != static_cast<std::size_t>(classes)) return {};
  return names;
}

std::shared_ptr<const MappedFile> open_records(const fs::path& path, const RecordForm& form) {
  auto file = std::make_shared<const MappedFile>(path);
  const auto size = static_cast<std::int64_t>(file->size());
  if (size == 0 || size % form.bytes() != 0)
    throw UserError(
        "{} has {} bytes, which is no whole number of records of {} bytes ({} x {} x {} "
        "pixels); it is cut off or of another form",
        shown(path), size, form.bytes(), form.shape.channels, form.shape.height, form.shape.width);
  return file;
}

const std::uint8_t* bytes_of(const MappedFile& file) {
  return reinterpret_cast<const std::uint8_t*>(file.bytes().data());
}

ImageArrays open_labelled(const std::vector<fs::path>& batches, const RecordForm& form) {
  ImageArrays arrays;
  for (const auto& path : batches) {
    const auto file = open_records(path, form);
    ImageArray array{path.filename().native(), form.shape, 0, {}};
    array.count = static_cast<std::int64_t>(file->size()) / form.bytes();
    for (std::int64_t i = 0; i < array.count; ++i) {
      const int label = bytes_of(*file)[i * form.bytes()];
      if (label >= form.classes)
        throw UserError(
            "{}: record {} has the label {}; allowed is 0 to {}: the file is damaged or "
            "of another form",
            shown(path), i, label, form.classes - 1);
      arrays.labels.push_back(label);
    }
    array.write = [file, array, form](ImageSink& sink, std::int64_t first) {
      put_images(sink, first, array, [&](std::int64_t i, std::uint8_t* out) {
        std::memcpy(out, bytes_of(*file) + i * form.bytes() + form.label_bytes,
                    static_cast<std::size_t>(form.shape.pixels()));
      });
    };
    arrays.parts.push_back(std::move(array));
  }
  return arrays;
}

void append_stl_labels(const fs::path& path, std::int64_t images, ImageArrays& arrays) {
  const MappedFile file(path);
  if (static_cast<std::int64_t>(file.size()) != images)
    throw UserError("{} holds {} labels for {} images; one of the files is cut off", shown(path),
                    file.size(), images);
  for (std::int64_t i = 0; i < images; ++i) {
    const int label = bytes_of(file)[i];
    if (label < 1 || label > kStl10.classes)
      throw UserError("{}: label {} is {}; allowed is 1 to 10: the file is damaged", shown(path), i,
                      label);
    arrays.labels.push_back(label - 1);
  }
}

}  // namespace

ImageArrays open_cifar10(const std::vector<fs::path>& batches, const fs::path& names) {
  ImageArrays arrays = open_labelled(batches, kCifar10);
  arrays.label_names = read_names(names, 10);
  return arrays;
}

ImageArrays open_cifar100(const std::vector<fs::path>& batches, const fs::path& names) {
  ImageArrays arrays = open_labelled(batches, kCifar100);
  arrays.label_names = read_names(names, 20);
  return arrays;
}

ImageArrays open_stl10(const std::vector<fs::path>& images, const std::vector<fs::path>& labels,
                       const fs::path& names) {
  ImageArrays arrays;
  for (std::size_t k = 0; k < images.size(); ++k) {
    const auto file = open_records(images[k], kStl10);
    ImageArray array{images[k].filename().native(), kStl10.shape, 0, {}};
    array.count = static_cast<std::int64_t>(file->size()) / kStl10.bytes();
    if (!labels.empty()) append_stl_labels(labels.at(k), array.count, arrays);
    array.write = [file, array](ImageSink& sink, std::int64_t first) {
      put_images(sink, first, array, [&](std::int64_t i, std::uint8_t* out) {
        const auto [channels, height, width] = array.shape;
        const std::uint8_t* from = bytes_of(*file) + i * array.shape.pixels();
        for (std::int64_t c = 0; c < channels; ++c)
          for (std::int64_t x = 0; x < width; ++x)
            for (std::int64_t y = 0; y < height; ++y)
              out[(c * height + y) * width + x] = from[(c * width + x) * height + y];
      });
    };
    arrays.parts.push_back(std::move(array));
  }
  arrays.label_names = read_names(names, 10);
  return arrays;
}

}  // namespace coterie
