#include "coterie/nn/image_steps.h"

#include <cmath>

#include "coterie/nn/image_ops.h"
#include "coterie/nn/resample.h"
#include "nn/toy_images.h"

namespace coterie {
namespace {

using testing::toy_images;
using Kind = ImageStep::Kind;

TEST(ImageSteps, EachImageTakesItsOwnInOrder) {
  const auto images = toy_images(4, 3, 9, 9) * 0.5;
  const ImageStep flip{Kind::flip, {}};
  const ImageStep invert{Kind::solarize, {0.0f}};
  const ImageStep brighter = ImageStep::brightness(2);
  const ImageStep shift{Kind::affine, {1, 0, 2.0f / 9, 0, 1, 0}};
  const std::vector<std::vector<ImageStep>> steps = {
      {invert, brighter, {}}, {brighter, invert, flip}, {{}, {}, {}}, {flip, shift, {}}};
  const auto out = apply_steps(images, steps);
  EXPECT_TRUE(torch::equal(out[0], ((1 - images[0]) * 2).clamp(0, 1)));
  EXPECT_TRUE(torch::equal(out[1], (1 - images[1] * 2).flip(2)));
  EXPECT_TRUE(torch::equal(out[2], images[2]));
  EXPECT_TRUE(torch::allclose(out[3].narrow(2, 0, 8), images[3].flip(2).narrow(2, 1, 8), 0, 1e-5));
}

TEST(ImageSteps, TakeAllImagesTogetherWhereAllAreMeant) {
  const auto images = toy_images(3, 1, 8, 8);
  const auto before = images.clone();
  const ImageStep cut{Kind::cut_out, {1, 2, 3, 4, 0.25f}};
  const std::vector<std::vector<ImageStep>> steps(3, {cut, ImageStep::blur(1.2, 5)});
  const auto out = apply_steps(images, steps);
  const auto boxes = torch::tensor({1.0f, 2.0f, 3.0f, 4.0f}).repeat({3, 1});
  const auto expected =
      gaussian_blur(cut_out(images, boxes, torch::full({3}, 0.25f)),
                    torch::full({3}, static_cast<float>(std::exp(-0.5 / 1.44))), 2);
  EXPECT_TRUE(torch::equal(out, expected));
  EXPECT_TRUE(torch::equal(images, before));
}

TEST(ImageSteps, NoStepsMakeACopy) {
  const auto images = toy_images(2, 1, 4, 4);
  auto out = apply_steps(images, std::vector<std::vector<ImageStep>>(2));
  EXPECT_TRUE(torch::equal(out, images));
  out.zero_();
  EXPECT_GT(images.sum().item<float>(), 0);
}

}  // namespace
}  // namespace coterie
