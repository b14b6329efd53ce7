#include "coterie/nn/image_ops.h"

namespace coterie {
namespace {

constexpr double kTopLevel = 255;

/// A value for each image against [N, C, H, W].
torch::Tensor per_image(const torch::Tensor& values) { return values.reshape({-1, 1, 1, 1}); }

torch::Tensor levels_of(const torch::Tensor& images) { return (images * kTopLevel).round_(); }

/// Means [N, 1, 1, 1] of [N, 1, H, W]. Sums of floats could depend on how they are split among
/// threads, and that on the size of the batch.
torch::Tensor image_means(const torch::Tensor& images) {
  constexpr double kParts = 1 << 22;
  const auto sums = (images * kParts).to(torch::kInt).sum({2, 3}, /*keepdim=*/true);
  return sums.to(torch::kDouble)
      .div_(kParts * static_cast<double>(images.size(2) * images.size(3)))
      .to(torch::kFloat);
}

/// 1 for the pixels of an axis of `side` that lie in [begin, begin + length), [N, side].
torch::Tensor inside(const torch::Tensor& begin, const torch::Tensor& length, std::int64_t side) {
  const auto pixels = torch::arange(side, begin.options()).unsqueeze(0);
  const auto first = begin.unsqueeze(1);
  return (pixels >= first).logical_and_(pixels < first + length.unsqueeze(1));
}

}  // namespace

torch::Tensor to_grey(const torch::Tensor& images) {
  if (images.size(1) == 1) return images;
  return (images.narrow(1, 0, 1) * 0.2989)
      .add_(images.narrow(1, 1, 1) * 0.587)
      .add_(images.narrow(1, 2, 1) * 0.114);
}

torch::Tensor mix(const torch::Tensor& images, const torch::Tensor& shares) {
  const auto share = [&](int i) { return per_image(shares.select(1, i)); };
  const auto grey = to_grey(images);
  const auto added = (grey * share(1)).add_(image_means(grey).mul_(share(2)));
  return (images * share(0)).add_(added).clamp_(0, 1);
}

torch::Tensor shift_hue(const torch::Tensor& images, const torch::Tensor& turns) {
  const auto channels = images.unbind(1);
  const auto &red = channels[0], &green = channels[1], &blue = channels[2];
  const auto value = torch::maximum(torch::maximum(red, green), blue);
  const auto chroma = value - torch::minimum(torch::minimum(red, green), blue);
  // The hue in sixths of a turn; any number where the image is grey, as the chroma is 0 there.
  const auto sixths = torch::where(value == red, green - blue,
                                   torch::where(value == green, (blue - red).add_(chroma * 2),
                                                (red - green).add_(chroma * 4)))
                          .div_(chroma.masked_fill(chroma == 0, 1))
                          .add_((turns * 6).view({-1, 1, 1}));
  // The channels as functions of the hue: https://en.wikipedia.org/wiki/HSL_and_HSV, HSV to RGB.
  auto out = torch::empty_like(images);
  for (int channel = 0; channel < 3; ++channel) {
    auto k = sixths + (5 - 2 * channel);
    k.sub_((k / 6).floor_().mul_(6));
    out.select(1, channel).copy_(value - torch::minimum(k, 4 - k).clamp_(0, 1).mul_(chroma));
  }
  return out;
}

torch::Tensor solarize(const torch::Tensor& images, const torch::Tensor& threshold) {
  return torch::where(images >= per_image(threshold), 1 - images, images);
}

torch::Tensor posterize(const torch::Tensor& images, const torch::Tensor& width) {
  return levels_of(images).div_(per_image(width)).floor_().mul_(per_image(width)).div_(kTopLevel);
}

torch::Tensor sharpen(const torch::Tensor& images, const torch::Tensor& factor) {
  const std::int64_t height = images.size(2) - 2;
  const std::int64_t width = images.size(3) - 2;
  auto out = images.clone();
  if (height <= 0 || width <= 0) return out;
  const auto three = [](const torch::Tensor& x, int dim, std::int64_t length) {
    return (x.narrow(dim, 0, length) + x.narrow(dim, 1, length)).add_(x.narrow(dim, 2, length));
  };
  const auto within = images.narrow(2, 1, height).narrow(3, 1, width);
  const auto smooth = three(three(images, 2, height), 3, width).add_(within * 4).div_(13);
  out.narrow(2, 1, height)
      .narrow(3, 1, width)
      .copy_((within * per_image(factor)).add_(smooth * per_image(1 - factor)).clamp_(0, 1));
  return out;
}

torch::Tensor auto_contrast(const torch::Tensor& images) {
  const auto low = images.amin({2, 3}, true);
  const auto range = images.amax({2, 3}, true) - low;
  const auto flat = range == 0;
  return (images - low.masked_fill(flat, 0)).div_(range.masked_fill(flat, 1));
}

torch::Tensor equalize(const torch::Tensor& images) {
  const auto levels = levels_of(images).flatten(2).to(torch::kLong);
  const auto counts = torch::zeros({images.size(0), images.size(1), 256}, levels.options())
                          .scatter_add_(2, levels, torch::ones_like(levels));
  // The brightest level in use is left out, and each level maps to the count of those below it.
  const auto others = levels.size(2) - counts.gather(2, levels.amax(2, true));
  const auto step = others.div(static_cast<std::int64_t>(kTopLevel), "floor");
  const auto width = step.clamp_min(1);
  const auto table = (counts.cumsum(2) - counts)
                         .add_(step.div(2, "floor"))
                         .div_(width, "floor")
                         .clamp_(0, static_cast<std::int64_t>(kTopLevel));
  const auto spread = table.gather(2, levels).view_as(images).to(torch::kFloat).div_(kTopLevel);
  return torch::where((step == 0).unsqueeze(3), images, spread);
}

torch::Tensor cut_out(const torch::Tensor& images, const torch::Tensor& boxes,
                      const torch::Tensor& value) {
  const auto rows = inside(boxes.select(1, 0), boxes.select(1, 2), images.size(2));
  const auto columns = inside(boxes.select(1, 1), boxes.select(1, 3), images.size(3));
  const auto hole = rows.unsqueeze(2).logical_and(columns.unsqueeze(1)).unsqueeze(1);
  return torch::where(hole, per_image(value), images);
}

torch::Tensor normalise(const torch::Tensor& images, const torch::Tensor& mean,
                        const torch::Tensor& std) {
  return (images - mean).div_(std);
}

}  // namespace coterie
