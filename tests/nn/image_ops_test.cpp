#include "coterie/nn/image_ops.h"

#include <functional>
#include <vector>

#include "nn/toy_images.h"

namespace coterie {
namespace {

using testing::expect_values;
using testing::toy_images;

// The figures come from torchvision 0.14.1, with
//     i = torch.arange(12); x = ((7*i*i + 3*i) % 32).float().div(31)
// viewed as 3 x 2 x 2 where nothing else is said; F is torchvision.transforms.functional.

torch::Tensor mixed(float own, float grey, float mean) {
  return mix(toy_images(1, 3, 2, 2), torch::tensor({{own, grey, mean}}));
}

TEST(ImageOps, BrightnessIsTorchvisions) {  // F.adjust_brightness(x, 1.5)
  expect_values(mixed(1.5f, 0, 0), {0.0f, 0.4839f, 0.09677f, 0.3871f, 1.0f, 1.0f, 0.6774f, 0.5806f,
                                    1.0f, 0.871f, 1.0f, 0.7742f});
}

TEST(ImageOps, ContrastIsTorchvisions) {  // F.adjust_contrast(x, .5)
  expect_values(mixed(0.5f, 0, 0.5f), {0.2615f, 0.4228f, 0.2938f, 0.3906f, 0.7132f, 0.7454f,
                                       0.4873f, 0.4551f, 0.6486f, 0.5519f, 0.6809f, 0.5196f});
}

TEST(ImageOps, SaturationIsTorchvisions) {  // F.adjust_saturation(x, 1.6)
  expect_values(mixed(1.6f, -0.6f, 0), {0.0f, 0.07772f, 0.0f, 0.195f, 1.0f, 1.0f, 0.4946f, 0.4014f,
                                        0.8676f, 0.4906f, 1.0f, 0.6079f});
}

TEST(ImageOps, GreyIsTorchvisions) {  // F.rgb_to_grayscale(x)
  expect_values(to_grey(toy_images(1, 3, 2, 2)), {0.6185f, 0.7307f, 0.38f, 0.3632f});
  const auto one_channel = toy_images(1, 1, 3, 3);
  EXPECT_TRUE(torch::equal(to_grey(one_channel), one_channel));
}

TEST(ImageOps, HueIsTorchvisions) {  // F.adjust_hue(x, .2), F.adjust_hue(x, -.45)
  const auto out =
      shift_hue(toy_images(1, 3, 2, 2).repeat({2, 1, 1, 1}), torch::tensor({0.2f, -0.45f}));
  expect_values(out, {0.05161f, 0.3226f, 0.6065f, 0.4387f, 0.0f,    0.5806f, 0.06452f, 0.2581f,
                      0.9032f,  0.9677f, 0.8387f, 0.5161f, 0.9032f, 0.9677f, 0.8387f,  0.5161f,
                      0.1419f,  0.3226f, 0.6839f, 0.4645f, 0.0f,    0.5161f, 0.06452f, 0.2581f});
}

TEST(ImageOps, HueLeavesGreyPixelsAndWholeTurnsAlone) {
  const auto grey = toy_images(1, 1, 3, 3).expand({1, 3, 3, 3});
  EXPECT_TRUE(torch::equal(shift_hue(grey, torch::tensor({0.3f})), grey));
  const auto images = toy_images(1, 3, 4, 4);
  EXPECT_TRUE(torch::allclose(shift_hue(images, torch::tensor({1.0f})), images, 0, 1e-5));
}

TEST(ImageOps, SolarizeIsTorchvisions) {  // F.solarize(x, .6)
  expect_values(solarize(toy_images(1, 3, 2, 2), torch::tensor({0.6f})),
                {0.0f, 0.3226f, 0.06452f, 0.2581f, 0.09677f, 0.03226f, 0.4516f, 0.3871f, 0.2258f,
                 0.5806f, 0.1613f, 0.5161f});
}

TEST(ImageOps, PosterizeIsTorchvisions) {
  // F.posterize((x * 255).round().to(torch.uint8), 3).float() / 255
  expect_values(posterize(toy_images(1, 1, 3, 4), torch::tensor({32.0f})),
                {0.0f, 0.251f, 0.0f, 0.251f, 0.8784f, 0.8784f, 0.3765f, 0.3765f, 0.7529f, 0.502f,
                 0.7529f, 0.502f});
}

TEST(ImageOps, SharpenIsTorchvisions) {
  // x of 16 values as 1 x 4 x 4: F.adjust_sharpness(x, 1.9), of which only the inside changes
  const auto images = toy_images(1, 1, 4, 4).repeat({2, 1, 1, 1});
  const auto out = sharpen(images, torch::tensor({1.9f, 0.1f}));
  const auto inside = out.narrow(2, 1, 2).narrow(3, 1, 2);
  expect_values(inside, {1.0f, 0.4293f, 0.5583f, 1.0f, 0.7042f, 0.4739f, 0.603f, 0.6467f});
  inside.copy_(images.narrow(2, 1, 2).narrow(3, 1, 2));
  EXPECT_TRUE(torch::equal(out, images));
}

TEST(ImageOps, AutoContrastIsTorchvisions) {  // F.autocontrast(x * .5 + .2), x as 1 x 3 x 4
  expect_values(auto_contrast(toy_images(1, 1, 3, 4) * 0.5 + 0.2),
                {0.0f, 0.3333f, 0.06667f, 0.2667f, 0.9333f, 1.0f, 0.4667f, 0.4f, 0.8f, 0.6f,
                 0.8667f, 0.5333f});
  const auto flat = torch::full({1, 3, 2, 2}, 0.4f);
  EXPECT_TRUE(torch::equal(auto_contrast(flat), flat));
}

TEST(ImageOps, EqualizeIsTorchvisions) {
  // i = torch.arange(1600); e = ((i*i) % 61 + 40).to(torch.uint8).view(1, 40, 40); F.equalize(e)
  const auto i = torch::arange(1600, torch::kLong);
  const auto images = ((i * i) % 61 + 40).to(torch::kFloat).div(255).view({1, 1, 40, 40});
  const auto out = equalize(torch::cat({images, images * 0 + 0.3f}));
  const auto levels = (out[0] * 255).round().view(-1);
  expect_values(levels.narrow(0, 0, 8), {0, 5, 22, 40, 83, 118, 145, 214});
  EXPECT_EQ(levels.sum().item<double>(), 206388);
  EXPECT_TRUE(torch::equal(out[1], images[0] * 0 + 0.3f));  // One level cannot be spread.
}

TEST(ImageOps, CutOutFillsABoxClippedAtTheBorder) {
  const auto images = torch::zeros({2, 3, 4, 5});
  const auto boxes = torch::tensor({{1.0f, 2.0f, 2.0f, 2.0f}, {-1.0f, 3.0f, 2.0f, 9.0f}});
  const auto out = cut_out(images, boxes, torch::tensor({1.0f, 2.0f}));
  for (int channel = 0; channel < 3; ++channel) {
    expect_values(out[0][channel], {0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0});
    expect_values(out[1][channel], {0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  }
}

TEST(ImageOps, NormaliseWorksByChannel) {
  const auto images = torch::full({2, 3, 2, 2}, 0.5f);
  const auto mean = torch::tensor({0.5f, 0.25f, 0.0f}).view({1, 3, 1, 1});
  const auto std = torch::tensor({1.0f, 0.5f, 0.25f}).view({1, 3, 1, 1});
  const auto out = normalise(images, mean, std);
  expect_values(out.select(2, 0).select(2, 0), {0, 0.5f, 2, 0, 0.5f, 2});
}

TEST(ImageOps, AnImageDoesNotDependOnItsBatch) {
  // So many pixels that a sum over a single image may be split among threads.
  const auto images = torch::rand({5, 3, 224, 224});
  const auto numbers = torch::tensor({0.3f, 0.5f, 0.7f, 0.9f, 0.1f});
  const auto mean = torch::tensor({{0.0f, 0.0f, 1.0f}}).repeat({5, 1});
  const std::vector<std::function<torch::Tensor(const torch::Tensor&, std::int64_t, std::int64_t)>>
      operations = {
          [&](auto& x, auto begin, auto n) { return mix(x, mean.narrow(0, begin, n)); },
          [&](auto& x, auto begin, auto n) { return shift_hue(x, numbers.narrow(0, begin, n)); },
          [&](auto& x, auto begin, auto n) { return sharpen(x, numbers.narrow(0, begin, n)); },
          [&](auto& x, auto, auto) { return auto_contrast(x); },
          [&](auto& x, auto, auto) { return equalize(x); }};
  for (const auto& operation : operations) {
    const auto together = operation(images, 0, 5);
    for (std::int64_t i = 0; i < 5; ++i)
      EXPECT_TRUE(torch::equal(operation(images.narrow(0, i, 1), i, 1)[0], together[i]));
    EXPECT_TRUE(torch::equal(operation(images.narrow(0, 2, 2), 2, 2)[1], together[3]));
  }
}

}  // namespace
}  // namespace coterie
