#include "coterie/nn/rand_augment.h"

#include <array>

#include "nn/toy_images.h"

namespace coterie {
namespace {

using testing::expect_values;
using testing::toy_images;

torch::Tensor augmented(RandAugment operation, int magnitude, bool negative) {
  const std::vector<std::vector<ImageStep>> steps = {
      {rand_augment_step(operation, magnitude, negative, 4)}};
  return apply_steps(toy_images(1, 1, 4, 4), steps);
}

// From torchvision 0.14.1, with i = torch.arange(16), x = ((7*i*i + 3*i) % 32).float().div(31)
// .view(1, 4, 4): torchvision.transforms.autoaugment._apply_op(x, name, magnitude, BILINEAR, None);
// magnitude 9 of 30 is a shear by 0.09, a turn by 9 degrees.
TEST(RandAugment, GeometryIsTorchvisions) {
  expect_values(augmented(RandAugment::shear_x, 9, false),
                {0.01452f, 0.311f, 0.07323f, 0.2465f, 0.9119f, 0.8981f, 0.4429f, 0.3348f, 0.7306f,
                 0.6387f, 0.7661f, 0.4f, 0.5029f, 0.1935f, 0.3358f, 0.4419f});
  expect_values(augmented(RandAugment::shear_y, 9, true),
                {0.0f, 0.279f, 0.05f, 0.1768f, 0.8626f, 0.8806f, 0.3645f, 0.3465f, 0.78f, 0.6329f,
                 0.7516f, 0.4755f, 0.651f, 0.2458f, 0.3387f, 0.6045f});
  expect_values(augmented(RandAugment::rotate, 9, false),
                {0.064f, 0.2449f, 0.1405f, 0.2279f, 0.7088f, 0.8793f, 0.4781f, 0.3932f, 0.7572f,
                 0.6257f, 0.772f, 0.5597f, 0.5313f, 0.3285f, 0.182f, 0.4161f});
}

TEST(RandAugment, TranslatesByWholePixels) {
  // 150 / 331 * 4 = 1.81 pixels at the top of the scale, cut to 1.
  const auto x = toy_images(1, 1, 4, 4);
  const auto right = augmented(RandAugment::translate_x, 30, false);
  EXPECT_TRUE(torch::allclose(right.narrow(3, 1, 3), x.narrow(3, 0, 3), 0, 1e-5));
  EXPECT_EQ(right.select(3, 0).abs().max().item<float>(), 0);
  const auto up = augmented(RandAugment::translate_y, 30, true);
  EXPECT_TRUE(torch::allclose(up.narrow(2, 0, 3), x.narrow(2, 1, 3), 0, 1e-5));
}

// [RandAugment()._augmentation_space(31, (32, 32))[name][0][m] for m in (9, 30)]: factors 0.27 and
// 0.9 from one, 7 and 4 bits, thresholds 178.5 and 0.
TEST(RandAugment, MagnitudesAreTorchvisions) {
  const auto number = [](RandAugment operation, int magnitude, bool negative) {
    return rand_augment_step(operation, magnitude, negative, 32).numbers[0];
  };
  for (const auto blend : {RandAugment::brightness, RandAugment::colour, RandAugment::contrast,
                           RandAugment::sharpness}) {
    EXPECT_FLOAT_EQ(number(blend, 9, false), 1.27f);
    EXPECT_FLOAT_EQ(number(blend, 9, true), 0.73f);
    EXPECT_FLOAT_EQ(number(blend, 30, false), 1.9f);
    EXPECT_NEAR(number(blend, 30, true), 0.1f, 1e-6);
  }
  // RandAugment()._augmentation_space(31, (32, 32))['Posterize'][0]
  const std::array bits = {8, 8, 8, 8, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6,
                           6, 6, 6, 5, 5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 4};
  for (int m = 0; m <= kRandAugmentTop; ++m)
    EXPECT_EQ(number(RandAugment::posterize, m, false),
              static_cast<float>(1 << (8 - bits[static_cast<std::size_t>(m)])));
  EXPECT_FLOAT_EQ(number(RandAugment::solarize, 9, false), 178.5f / 255);
  EXPECT_FLOAT_EQ(number(RandAugment::solarize, 30, false), 0);
  // Four pixels of 32, in half sides.
  EXPECT_FLOAT_EQ(rand_augment_step(RandAugment::translate_x, 9, true, 32).numbers[2], 0.25f);
}

TEST(RandAugment, DrawsAllOperationsEquallyOften) {
  RandomStream stream(1, "augment");
  std::array<int, ImageStep::kKinds> counts{};
  int brighter = 0, darker = 0;
  for (int i = 0; i < 14000; ++i) {
    const auto step = draw_rand_augment(stream, 9, 32);
    ++counts[static_cast<std::size_t>(step.kind)];
    if (step.kind != ImageStep::Kind::sharpen) continue;
    EXPECT_TRUE(step.numbers[0] == 1.27f || step.numbers[0] == 0.73f);
    ++(step.numbers[0] > 1 ? brighter : darker);
  }
  const auto count = [&](ImageStep::Kind kind) { return counts[static_cast<std::size_t>(kind)]; };
  // Of 14 operations five are maps and three are blends; 4 standard deviations are 122 for one.
  EXPECT_NEAR(count(ImageStep::Kind::affine), 5000, 230);
  EXPECT_NEAR(count(ImageStep::Kind::mix), 3000, 195);
  for (const auto kind :
       {ImageStep::Kind::none, ImageStep::Kind::sharpen, ImageStep::Kind::solarize,
        ImageStep::Kind::posterize, ImageStep::Kind::auto_contrast, ImageStep::Kind::equalize})
    EXPECT_NEAR(count(kind), 1000, 122);
  EXPECT_NEAR(brighter - darker, 0, 130);
}

}  // namespace
}  // namespace coterie
