#include "coterie/nn/image_steps.h"

#include <cmath>

#include "coterie/nn/image_ops.h"
#include "coterie/nn/resample.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

using Kind = ImageStep::Kind;

ImageStep mixed(double own, double grey, double mean) {
  return {Kind::mix, {static_cast<float>(own), static_cast<float>(grey), static_cast<float>(mean)}};
}

/// One kind of step on all images; numbers [N, kNumbers] on their device, `example` the first's.
torch::Tensor apply(Kind kind, const torch::Tensor& images, const torch::Tensor& numbers,
                    const ImageStep& example) {
  const auto number = [&](int i) { return numbers.select(1, i); };
  const auto box = [&] { return numbers.narrow(1, 0, 4); };
  switch (kind) {
    case Kind::none:
      break;
    case Kind::crop:
      return crop_resize(images, box());
    case Kind::flip:
      return images.flip(3);
    case Kind::affine:
      return affine(images, numbers);
    case Kind::mix:
      return mix(images, numbers);
    case Kind::hue:
      return shift_hue(images, number(0));
    case Kind::sharpen:
      return sharpen(images, number(0));
    case Kind::blur:
      return gaussian_blur(images, number(0), static_cast<std::int64_t>(example.numbers[1]));
    case Kind::solarize:
      return solarize(images, number(0));
    case Kind::posterize:
      return posterize(images, number(0));
    case Kind::auto_contrast:
      return auto_contrast(images);
    case Kind::equalize:
      return equalize(images);
    case Kind::cut_out:
      return cut_out(images, box(), number(4));
  }
  return images;
}

/// The images that take one kind of step in one round: `count` rows of the table from `begin` on.
struct Group {
  Kind kind;
  std::int64_t begin;
  std::int64_t count;
  const ImageStep* example;
};

}  // namespace

ImageStep ImageStep::brightness(double factor) { return mixed(factor, 0, 0); }
ImageStep ImageStep::contrast(double factor) { return mixed(factor, 0, 1 - factor); }
ImageStep ImageStep::saturation(double factor) { return mixed(factor, 1 - factor, 0); }

ImageStep ImageStep::blur(double sigma, std::int64_t kernel) {
  return {Kind::blur,
          {static_cast<float>(std::exp(-0.5 / (sigma * sigma))), static_cast<float>(kernel / 2)}};
}

torch::Tensor apply_steps(const torch::Tensor& images,
                          std::span<const std::vector<ImageStep>> steps) {
  std::vector<Group> groups;
  std::vector<std::int64_t> rows;
  std::vector<float> numbers;
  for (std::size_t round = 0; !steps.empty() && round < steps[0].size(); ++round) {
    for (int k = 1; k < ImageStep::kKinds; ++k) {
      Group group{static_cast<Kind>(k), static_cast<std::int64_t>(rows.size()), 0, nullptr};
      for (std::size_t i = 0; i < steps.size(); ++i) {
        const ImageStep& step = steps[i][round];
        if (step.kind != group.kind) continue;
        if (group.count++ == 0) group.example = &step;
        rows.push_back(static_cast<std::int64_t>(i));
        numbers.insert(numbers.end(), step.numbers.begin(), step.numbers.end());
      }
      if (group.count > 0) groups.push_back(group);
    }
  }
  const auto all_rows = on_device(rows, images.device());
  const auto all_numbers = on_device(numbers, images.device()).view({-1, ImageStep::kNumbers});
  auto out = images.clone();
  for (const auto& group : groups) {
    const auto values = all_numbers.narrow(0, group.begin, group.count);
    if (group.count == images.size(0)) {
      out = apply(group.kind, out, values, *group.example);
    } else {
      const auto chosen = all_rows.narrow(0, group.begin, group.count);
      const auto some = out.index_select(0, chosen);
      out.index_copy_(0, chosen, apply(group.kind, some, values, *group.example));
    }
  }
  return out.clamp_(0, 1);  // Interpolation leaves the range by rounding.
}

}  // namespace coterie
