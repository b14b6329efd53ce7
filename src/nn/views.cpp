#include "coterie/nn/views.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "coterie/nn/image_steps.h"
#include "coterie/nn/rand_augment.h"

namespace coterie {
namespace {

using Kind = ImageStep::Kind;

/// On the CPU a batch goes through in pieces of about so many values: what lies between two steps
/// stays in the cache, a quarter of the time at 224 x 224, and takes little memory.
constexpr std::int64_t kPiece = 1 << 20;


/// Draws the steps of one image. Every draw is made whether or not it comes to anything, so that
/// what is drawn for one operation does not depend on the chances of those before it.
class Drawing {
 public:
  Drawing(RandomStream stream, const ViewRecipe& recipe, std::int64_t channels, std::int64_t side)
      : stream_(stream), recipe_(recipe), colour_(channels == 3), side_(side) {}

  std::vector<ImageStep> steps() {
    ImageStep turn{Kind::affine, draw_affine(recipe_.affine, stream_)};
    add(!recipe_.affine.identity(), turn);
    const ImageStep crop = draw_crop();
    add(recipe_.crop_scale.low < 1, crop);
    add(chance(recipe_.flip), {Kind::flip, {}});
    add_jitter();
    add(chance(recipe_.grey) && colour_, ImageStep::saturation(0));
    add_blur();
    add(chance(recipe_.solarize), ImageStep::of(Kind::solarize, recipe_.solarize_threshold));
    for (int i = 0; i < recipe_.operations; ++i) add_operation();
    add_cutout();
    return std::move(steps_);
  }

 private:
  void add(bool wanted, const ImageStep& step) { steps_.push_back(wanted ? step : ImageStep{}); }
  bool chance(double probability) { return stream_.uniform() < probability; }
  double within(double low, double high) { return low + (high - low) * stream_.uniform(); }
  double factor(double spread) { return within(std::max(0.0, 1 - spread), 1 + spread); }

  /// torchvision's RandomResizedCrop: the first of ten boxes that fits, else the largest of a ratio
  /// within the bounds; of the whole image's ratio that is the whole image.
  ImageStep draw_crop() {
    const auto side = static_cast<double>(side_);
    double height = side;
    double width = side;
    bool found = false;
    for (int attempt = 0; attempt < 10; ++attempt) {
      const double area = side * side * within(recipe_.crop_scale.low, recipe_.crop_scale.high);
      const double ratio =
          std::exp(within(std::log(recipe_.crop_ratio.low), std::log(recipe_.crop_ratio.high)));
      const double w = std::nearbyint(std::sqrt(area * ratio));
      const double h = std::nearbyint(std::sqrt(area / ratio));
      if (found || w < 1 || w > side || h < 1 || h > side) continue;
      found = true;
      width = w;
      height = h;
    }
    if (!found) {
      width = std::nearbyint(side * std::min(1.0, recipe_.crop_ratio.high));
      height = std::nearbyint(side / std::max(1.0, recipe_.crop_ratio.low));
    }
    const double down = stream_.uniform();
    const double across = stream_.uniform();
    const auto place = [&](double length, double where) {
      return found ? std::floor(where * (side - length + 1)) : std::floor((side - length) / 2);
    };
    return {Kind::crop,
            {static_cast<float>(place(height, down)), static_cast<float>(place(width, across)),
             static_cast<float>(height), static_cast<float>(width)}};
  }

  void add_jitter() {
    const bool wanted = chance(recipe_.jitter);
    const std::pair<bool, ImageStep> changes[] = {
        {recipe_.brightness > 0, ImageStep::brightness(factor(recipe_.brightness))},
        {recipe_.contrast > 0, ImageStep::contrast(factor(recipe_.contrast))},
        {recipe_.saturation > 0 && colour_, ImageStep::saturation(factor(recipe_.saturation))},
        {recipe_.hue > 0 && colour_, ImageStep::of(Kind::hue, within(-recipe_.hue, recipe_.hue))}};
    std::array order = {0, 1, 2, 3};
    stream_.shuffle(std::span<int>(order));
    for (const int i : order) add(wanted && changes[i].first, changes[i].second);
  }

  void add_blur() {
    const bool wanted = chance(recipe_.blur);
    const double sigma = within(recipe_.blur_sigma.low, recipe_.blur_sigma.high);
    add(wanted, ImageStep::blur(sigma, recipe_.blur_kernel));
  }

  void add_operation() {
    const ImageStep step = draw_rand_augment(stream_, recipe_.magnitude, side_);
    // On one channel a blend of colours alone would be a costly way of doing nothing.
    add(colour_ || !(step.kind == Kind::mix && step.numbers[1] != 0), step);
  }

  /// A hole centred on any pixel; what of it lies outside is cut off.
  void add_cutout() {
    const double length = std::floor(within(1, static_cast<double>(recipe_.cutout) + 1));
    const auto begin = [&] {
      return std::floor(within(0, static_cast<double>(side_))) - std::floor(length / 2);
    };
    const double top = begin();
    const double left = begin();
    add(recipe_.cutout > 0,
        {Kind::cut_out,
         {static_cast<float>(top), static_cast<float>(left), static_cast<float>(length),
          static_cast<float>(length), static_cast<float>(recipe_.cutout_value)}});
  }

  RandomStream stream_;
  const ViewRecipe& recipe_;
  bool colour_;
  std::int64_t side_;
  std::vector<ImageStep> steps_;
};

void check(const torch::Tensor& images, std::size_t ids) {
  if (images.dim() != 4 || images.size(2) != images.size(3) ||
      (images.size(1) != 1 && images.size(1) != 3) || images.scalar_type() != torch::kFloat)
    throw std::invalid_argument("views are made of float images [B, 1 or 3, S, S]");
  if (images.size(0) != static_cast<std::int64_t>(ids))
    throw std::invalid_argument("views need an id for each image");
}

}  // namespace

ViewRecipe view_recipe(ViewPreset preset, std::int64_t side) {
  const bool small = side <= 48;
  ViewRecipe recipe;
  switch (preset) {
    case ViewPreset::weak:
    case ViewPreset::simclr: {
      recipe.crop_scale = {0.2, 1};
      recipe.flip = 0.5;
      recipe.jitter = 0.8;
      recipe.brightness = recipe.contrast = recipe.saturation = 0.4;
      recipe.hue = 0.1;
      recipe.grey = 0.2;
      recipe.blur = small ? 0 : 0.5;
      recipe.blur_kernel = side / 20 * 2 + 1;
      if (preset == ViewPreset::weak) {
        recipe.saturation = 0.2;
      } else if (!small) {
        recipe.brightness = recipe.contrast = recipe.saturation = 0.8;
        recipe.hue = 0.2;
      }
      break;
    }
    case ViewPreset::strong:
      recipe.flip = 0.5;
      recipe.operations = 4;
      // 16 of 32, 32 of 96, 75 of 224 pixels.
      recipe.cutout = small ? side / 2 : (side + 1) / 3;
      break;
    case ViewPreset::digits:
      recipe.affine = {.degrees = 10, .shear = 0.1};
      recipe.crop_scale = {0.4, 1};
      recipe.jitter = 0.8;
      recipe.brightness = recipe.contrast = 0.4;
      break;
  }
  return recipe;
}

torch::Tensor make_views(const torch::Tensor& images, std::span<const std::int64_t> ids,
                         const ViewKey& key, const ViewRecipe& recipe) {
  torch::NoGradGuard no_grad;
  check(images, ids.size());
  std::vector<std::vector<ImageStep>> steps;
  steps.reserve(ids.size());
  for (const std::int64_t id : ids) {
    const auto index =
        (static_cast<std::uint64_t>(key.epoch) << 40) + static_cast<std::uint64_t>(id);
    steps.push_back(
        Drawing(RandomStream(key.seed, key.name, index), recipe, images.size(1), images.size(2))
            .steps());
  }
  if (!images.is_cpu() || ids.empty()) return apply_steps(images, steps);
  auto views = torch::empty_like(images);
  const std::int64_t count = images.size(0);
  const std::int64_t piece = std::max<std::int64_t>(1, kPiece * count / images.numel());
  for (std::int64_t begin = 0; begin < count; begin += piece) {
    const std::int64_t size = std::min(piece, count - begin);
    views.narrow(0, begin, size)
        .copy_(apply_steps(images.narrow(0, begin, size),
                           std::span(steps).subspan(static_cast<std::size_t>(begin),
                                                    static_cast<std::size_t>(size))));
  }
  return views;
}

}  // namespace coterie
