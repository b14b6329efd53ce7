#include "coterie/data/image_array.h"

#include <algorithm>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/parallel.h"
#include "coterie/core/text.h"
#include "coterie/data/labels.h"

namespace coterie {
namespace {

constexpr std::int64_t kPieceBytes = 1 << 20;
constexpr std::int64_t kMostBytes = 1 << 30;  // of one image

/// The truth of the arrays, each class under its given name.
Truth truth_of(const ImageArrays& arrays) {
  Truth truth = encode_truth(arrays.labels);
  std::vector<std::int64_t> values(arrays.labels);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  for (std::size_t c = 0; c < values.size(); ++c)
    if (std::cmp_less(values[c], arrays.label_names.size()) && values[c] >= 0)
      truth.class_names[c] = arrays.label_names[static_cast<std::size_t>(values[c])];
  return truth;
}

}  // namespace

void ImageSink::put(std::int64_t slot, std::int64_t count, std::span<const std::uint8_t> pixels) {
  cancel_.check();
  writer_.write_images(slot, pixels);
  progress_.update(done_.fetch_add(count) + count);
}

void put_images(ImageSink& sink, std::int64_t first, const ImageArray& array,
                const std::function<void(std::int64_t, std::uint8_t*)>& image) {
  const std::int64_t each = array.shape.pixels();
  const std::int64_t piece = std::max<std::int64_t>(1, kPieceBytes / each);
  parallel_for(array.count, piece, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min(piece, end - begin) * each));
    for (std::int64_t at = begin; at < end; at += piece) {
      const std::int64_t count = std::min(piece, end - at);
      for (std::int64_t i = 0; i < count; ++i) image(at + i, buffer.data() + i * each);
      sink.put(first + at, count, {buffer.data(), static_cast<std::size_t>(count * each)});
    }
  });
}

void interleaved_to_planes(const std::uint8_t* from, ImageShape shape, std::uint8_t* to) {
  const std::int64_t area = shape.height * shape.width;
  for (std::int64_t c = 0; c < shape.channels; ++c)
    for (std::int64_t p = 0; p < area; ++p) to[c * area + p] = from[p * shape.channels + c];
}

void pack_image_arrays(const ImageArrays& arrays, const PackOrigin& origin, Progress& progress,
                       const CancelToken& cancel) {
  const ImageShape shape = arrays.parts.at(0).shape;
  std::int64_t total = 0;
  for (const auto& part : arrays.parts) {
    if (!(part.shape == shape))
      throw UserError(
          "{} holds images of {} x {} x {} (channels, height, width), but {} holds {} x {} x {}; "
          "all must be of one size",
          printable(part.name), part.shape.channels, part.shape.height, part.shape.width,
          printable(arrays.parts[0].name), shape.channels, shape.height, shape.width);
    total += part.count;
  }
  PackContent content;
  content.source = origin.source;
  content.source_fingerprint = origin.source_fingerprint;
  if (!arrays.labels.empty()) {
    if (std::cmp_not_equal(arrays.labels.size(), total))
      throw UserError(
          "{} holds {} images, but its label files hold {} labels; one of them is damaged",
          printable(origin.source), total, arrays.labels.size());
    Truth truth = truth_of(arrays);
    content.truth = std::move(truth.labels);
    content.class_names = std::move(truth.class_names);
  }
  if (shape.pixels() > kMostBytes)
    throw UserError("{}: an image of {} x {} x {} is larger than the {} bytes that are allowed",
                    printable(arrays.parts[0].name), shape.channels, shape.height, shape.width,
                    kMostBytes);

  PackWriter writer(origin.pack, shape, total);
  progress.begin("reading images", total);
  ImageSink sink(writer, progress, cancel);
  std::int64_t first = 0;
  for (const auto& part : arrays.parts) {
    part.write(sink, first);
    for (std::int64_t i = 0; i < part.count; ++i)
      content.paths.push_back(part.name + '#' + std::to_string(i));
    first += part.count;
  }
  writer.finish(content);
  progress.end();
}

}  // namespace coterie
