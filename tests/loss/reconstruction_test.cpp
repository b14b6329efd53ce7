#include "coterie/loss/reconstruction.h"

#include <gtest/gtest.h>

#include "loss/gradients.h"

namespace coterie {
namespace {

TEST(Reconstruction, IsEquationOne) {
  // Two images of two pixels: differences (1, 2) and (0, 4), squares 1 + 4 + 0 + 16 = 21.
  const auto images = torch::tensor({1.f, 2.f, 3.f, 4.f}).view({2, 1, 1, 2});
  const auto back = torch::tensor({0.f, 4.f, 3.f, 0.f}).view({2, 1, 1, 2});
  EXPECT_FLOAT_EQ(reconstruction_loss(images, back, ReconstructionScale::sum).item<float>(),
                  21.0f / 4);
  EXPECT_FLOAT_EQ(reconstruction_loss(images, back).item<float>(), 21.0f / 8);
}

TEST(Reconstruction, GradientAgreesWithFiniteDifferences) {
  torch::manual_seed(2);
  const auto images = torch::rand({3, 2, 4, 4}, torch::kDouble);
  const auto back = torch::rand({3, 2, 4, 4}, torch::kDouble);
  for (const auto scale : {ReconstructionScale::mean, ReconstructionScale::sum})
    EXPECT_LT(testing::gradient_error(
                  [&](const auto& x) { return reconstruction_loss(images, x, scale); }, back),
              1e-8);
}

}  // namespace
}  // namespace coterie
