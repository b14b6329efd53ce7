#include "coterie/methods/view_grid.h"

#include <algorithm>
#include <numeric>

#include "coterie/core/random.h"
#include "coterie/core/text.h"
#include "coterie/methods/deep_context.h"
#include "coterie/nn/device.h"
#include "coterie/nn/views.h"

namespace coterie {
namespace {

constexpr std::int64_t kGap = 2;            // pixels of white around a cell
constexpr std::int64_t kSmallestCell = 64;  // pixels, of a side

ViewPreset preset_named(const std::string& name) {
  const auto& names = view_preset_names();
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end())
    throw UserError("there is no kind of view '{}'; allowed is {}", printable(name),
                    join(names, ", "));
  return static_cast<ViewPreset>(at - names.begin());
}

std::vector<std::int64_t> drawn_rows(std::int64_t count, const ViewGridOptions& options) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  RandomStream stream(options.seed, "view grid");
  stream.shuffle(std::span(rows));
  rows.resize(static_cast<std::size_t>(std::min(count, options.rows)));
  return rows;
}

/// The images [R, C, S, S] in 0..1.
torch::Tensor images_of(const TrainingData& data, const std::vector<std::int64_t>& rows) {
  const auto side = data.shape.height;
  auto bytes = torch::empty(
      {static_cast<std::int64_t>(rows.size()), data.shape.channels, side, side}, torch::kByte);
  auto* out = bytes.data_ptr<std::uint8_t>();
  for (const std::int64_t row : rows) out = std::ranges::copy(data.image(row), out).out;
  return bytes.to(torch::kFloat).div_(255);
}

/// Cells [rows, columns, C, S, S] as one picture, rows below each other.
PngImage tiled(const torch::Tensor& cells) {
  const std::int64_t zoom = std::max<std::int64_t>(1, kSmallestCell / cells.size(4));
  const auto framed = torch::constant_pad_nd(
      cells.repeat_interleave(zoom, 3).repeat_interleave(zoom, 4), {kGap, kGap, kGap, kGap}, 1);
  const auto bytes = (framed * 255).round().to(torch::kByte).permute({0, 3, 1, 4, 2}).contiguous();
  const auto* first = bytes.data_ptr<std::uint8_t>();
  return {.width = bytes.size(2) * bytes.size(3),
          .height = bytes.size(0) * bytes.size(1),
          .channels = bytes.size(4),
          .pixels = {first, first + bytes.numel()}};
}

}  // namespace

const std::vector<std::string>& view_preset_names() {
  static const std::vector<std::string> names = {"weak", "strong", "simclr", "digits"};
  return names;
}

PngImage view_grid(const TrainingData& data, const ViewGridOptions& options) {
  if (!data.has_images()) throw UserError("views are made of images, the input holds feature rows");
  check_images(data, 1);
  if (data.shape.height != data.shape.width)
    throw UserError("views are made of square images, these are {} x {}", data.shape.height,
                    data.shape.width);
  apply_thread_count();
  const ViewRecipe recipe = view_recipe(preset_named(options.preset), data.shape.height);
  const auto rows = drawn_rows(data.count, options);
  const auto images = images_of(data, rows);
  std::vector<torch::Tensor> columns = {images};
  for (std::int64_t i = 0; i < options.columns; ++i)
    columns.push_back(make_views(images, rows, {options.seed, "views/grid", i}, recipe));
  return tiled(torch::stack(columns, 1));
}

}  // namespace coterie
