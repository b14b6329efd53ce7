#include "coterie/run/nearest_images.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "coterie/core/files.h"
#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/core/text.h"
#include "coterie/run/run_rows.h"
#include "coterie/shallow/row_distance.h"

namespace coterie {
namespace {

constexpr std::int64_t kFrame = 3;          // pixels around a cell
constexpr std::int64_t kSmallestCell = 48;  // pixels of a side, without its frame

using Colour = std::array<std::uint8_t, 3>;
constexpr Colour kWhite = {255, 255, 255};
constexpr Colour kRed = {205, 30, 30};

/// The `count` nearest of `candidates` (distance, image), nearest first.
std::vector<std::int64_t> nearest_of(std::vector<std::pair<double, std::int64_t>> candidates,
                                     std::int64_t count) {
  const auto kept = std::min(count, static_cast<std::int64_t>(candidates.size()));
  std::partial_sort(candidates.begin(), candidates.begin() + kept, candidates.end());
  std::vector<std::int64_t> images;
  for (std::int64_t i = 0; i < kept; ++i) images.push_back(candidates[i].second);
  return images;
}

/// A picture of equal cells, white where nothing is drawn.
class Cells {
 public:
  Cells(const TrainingData& data, std::int64_t rows, std::int64_t columns)
      : data_(data),
        zoom_(std::max<std::int64_t>(1, kSmallestCell / data.shape.height)),
        width_(data.shape.width * zoom_ + 2 * kFrame),
        height_(data.shape.height * zoom_ + 2 * kFrame),
        picture_{.width = width_ * columns, .height = height_ * rows, .channels = 3} {
    picture_.pixels.assign(static_cast<std::size_t>(picture_.width * picture_.height * 3), 255);
  }

  void draw(std::int64_t row, std::int64_t column, std::int64_t image, const Colour& frame) {
    for (std::int64_t y = 0; y < height_; ++y)
      for (std::int64_t x = 0; x < width_; ++x)
        std::ranges::copy(
            colour(image, x - kFrame, y - kFrame, frame),
            &picture_.pixels[((row * height_ + y) * picture_.width + column * width_ + x) * 3]);
  }
  PngImage take() { return std::move(picture_); }

 private:
  Colour colour(std::int64_t image, std::int64_t x, std::int64_t y, const Colour& frame) const {
    const ImageShape& shape = data_.shape;
    if (x < 0 || y < 0 || x >= shape.width * zoom_ || y >= shape.height * zoom_) return frame;
    const auto pixels = data_.image(image);
    const std::int64_t plane = shape.height * shape.width;
    const std::int64_t at = y / zoom_ * shape.width + x / zoom_;
    const std::int64_t step = shape.channels == 3 ? plane : 0;
    return {pixels[at], pixels[at + step], pixels[at + 2 * step]};
  }

  TrainingData data_;
  std::int64_t zoom_, width_, height_;
  PngImage picture_;
};

}  // namespace

std::vector<NearestImages> nearest_images(MatrixView<const float> embeddings,
                                          std::span<const std::int32_t> labels,
                                          std::int64_t clusters, std::int64_t count,
                                          std::uint64_t seed, const CancelToken& cancel) {
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(clusters));
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < clusters) members[labels[i]].push_back(static_cast<std::int64_t>(i));
  RandomStream stream(seed, "nearest images");
  std::vector<NearestImages> found;
  for (const auto& of_cluster : members)
    if (!of_cluster.empty()) found.push_back({of_cluster[stream.below(of_cluster.size())], {}, {}});
  const auto search = [&](NearestImages& one) {
    std::vector<std::pair<double, std::int64_t>> same, other;
    for (std::int64_t i = 0; i < embeddings.rows; ++i) {
      if (i == one.image) continue;
      auto& side = labels[i] == labels[one.image] ? same : other;
      side.emplace_back(
          squared_distance(embeddings.row(one.image), embeddings.row(i), embeddings.cols), i);
    }
    one.same = nearest_of(std::move(same), count);
    one.other = nearest_of(std::move(other), count);
  };
  parallel_for(static_cast<std::int64_t>(found.size()), 1,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t f = begin; f < end; ++f) {
                   cancel.check();
                   search(found[f]);
                 }
               });
  return found;
}

PngImage nearest_picture(const LoadedRun& run, std::int64_t count, std::uint64_t seed,
                         const CancelToken& cancel) {
  const std::string name = printable(run.folder.path().native());
  if (!run.dataset.has_images()) throw UserError("{} is a run on features, not on images", name);
  if (!path_exists(run.folder.file("embeddings.npy")))
    throw UserError("{} has no embeddings: method {} clusters the pixels themselves", name,
                    run.manifest.at("method").get<std::string>());
  const RunRows embeddings(run);
  const std::vector<std::int32_t> labels = labels_of(run.rows);
  const auto rows = nearest_images(embeddings.values(), labels, run.clusters, count, seed, cancel);
  const auto& truth = run.dataset.truth;
  Cells cells(run.dataset.training_data(), static_cast<std::int64_t>(rows.size()), 2 * count + 2);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto draw = [&](std::int64_t column, std::int64_t image) {
      const bool wrong = !truth.empty() && truth[image] != truth[rows[i].image];
      cells.draw(static_cast<std::int64_t>(i), column, image, wrong ? kRed : kWhite);
    };
    draw(0, rows[i].image);
    for (std::size_t j = 0; j < rows[i].same.size(); ++j)
      draw(1 + static_cast<std::int64_t>(j), rows[i].same[j]);
    for (std::size_t j = 0; j < rows[i].other.size(); ++j)
      draw(2 + count + static_cast<std::int64_t>(j), rows[i].other[j]);
  }
  return cells.take();
}

}  // namespace coterie
