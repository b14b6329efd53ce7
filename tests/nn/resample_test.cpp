#include "coterie/nn/resample.h"

#include <cmath>

#include "nn/toy_images.h"

namespace coterie {
namespace {

using testing::expect_values;
using testing::toy_images;

// The figures come from torchvision 0.14.1, F being torchvision.transforms.functional, with
//     i = torch.arange(side * side)
//     x = ((7*i*i + 3*i) % 32).float().div(31).view(1, side, side)

TEST(CropResize, IsTorchvisions) {  // side 5: F.resized_crop(x, 1, 2, 3, 2, [5, 5], antialias=True)
  const auto images = toy_images(1, 1, 5, 5);
  expect_values(crop_resize(images, torch::tensor({{1.0f, 2.0f, 3.0f, 2.0f}})),
                {0.3871f, 0.4258f, 0.5806f, 0.7355f, 0.7742f, 0.4903f, 0.4955f, 0.5161f, 0.5368f,
                 0.5419f, 0.6452f, 0.6f,    0.4194f, 0.2387f, 0.1935f, 0.7613f, 0.7277f, 0.5935f,
                 0.4594f, 0.4258f, 0.8387f, 0.8129f, 0.7097f, 0.6065f, 0.5806f});
}

TEST(CropResize, OfTheWholeImageIsTheImage) {
  for (const std::int64_t side : {28, 96}) {
    const auto images = toy_images(2, 3, side, side);
    const auto s = static_cast<float>(side);
    const auto out = crop_resize(images, torch::tensor({{0.0f, 0.0f, s, s}, {0.0f, 0.0f, s, s}}));
    EXPECT_TRUE(torch::allclose(out, images, 0, 2e-5));
  }
}

TEST(CropResize, ShowsNothingOutsideTheBox) {
  auto images = torch::zeros({1, 1, 8, 8});
  images.narrow(2, 2, 3).narrow(3, 4, 2).fill_(1);
  const auto out = crop_resize(images, torch::tensor({{2.0f, 4.0f, 3.0f, 2.0f}}));
  EXPECT_TRUE(torch::allclose(out, torch::ones_like(out), 0, 1e-5));
}

TEST(Affine, MovesTurnsAndMixesByTheMap) {
  const auto images = toy_images(1, 1, 4, 4).repeat({2, 1, 1, 1});
  // By two pixels to the right; a quarter turn, which brings the top right corner to the top left.
  const auto out = affine(images, torch::tensor({{1.0f, 0.0f, -1.0f, 0.0f, 1.0f, 0.0f},
                                                 {0.0f, -1.0f, 0.0f, 1.0f, 0.0f, 0.0f}}));
  EXPECT_TRUE(torch::allclose(out[0].narrow(2, 2, 2), images[0].narrow(2, 0, 2), 0, 1e-5));
  EXPECT_EQ(out[0].narrow(2, 0, 2).abs().max().item<float>(), 0);
  EXPECT_TRUE(torch::allclose(out[1], images[1].rot90(1, {1, 2}), 0, 1e-5));
}

TEST(GaussianBlur, IsTorchvisions) {  // side 4: F.gaussian_blur(x, [5, 5], [.8, .8])
  const auto decay = torch::tensor({std::exp(-0.5f / 0.64f)});
  expect_values(gaussian_blur(toy_images(1, 1, 4, 4), decay, 2),
                {0.5224f, 0.4998f, 0.372f, 0.3173f, 0.6765f, 0.6342f, 0.5f, 0.4312f, 0.6664f,
                 0.6177f, 0.5699f, 0.5477f, 0.5638f, 0.501f, 0.4998f, 0.5331f});
}

TEST(Resample, AnImageDoesNotDependOnItsBatch) {
  const auto images = torch::rand({5, 3, 61, 61});
  const auto boxes = torch::tensor({4.0f, 7.0f, 30.0f, 45.0f}).repeat({5, 1});
  const auto maps = torch::tensor({0.9f, -0.2f, 0.1f, 0.25f, 1.1f, 0.0f}).repeat({5, 1});
  const auto decays = torch::full({5}, 0.7f);
  const auto all = [&](std::int64_t begin, std::int64_t n) {
    const auto some = images.narrow(0, begin, n);
    return torch::cat(
        {crop_resize(some, boxes.narrow(0, begin, n)), affine(some, maps.narrow(0, begin, n)),
         gaussian_blur(some, decays.narrow(0, begin, n), 4)},
        1);
  };
  EXPECT_TRUE(torch::equal(all(3, 1)[0], all(0, 5)[3]));
  EXPECT_TRUE(torch::equal(all(3, 1)[0], all(2, 2)[1]));
}

}  // namespace
}  // namespace coterie
