#include "coterie/loss/reconstruction.h"

#include <gtest/gtest.h>

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
  for (const auto scale : {ReconstructionScale::mean, ReconstructionScale::sum}) {
    auto back = torch::rand({3, 2, 4, 4}, torch::dtype(torch::kDouble).requires_grad(true));
    reconstruction_loss(images, back, scale).backward();
    const auto gradient = back.grad().flatten();
    torch::NoGradGuard no_grad;
    const double step = 1e-5;
    for (const std::int64_t i : {0, 17, 95}) {
      auto up = back.detach().clone();
      auto down = back.detach().clone();
      up.view(-1)[i] += step;
      down.view(-1)[i] -= step;
      const double slope =
          (reconstruction_loss(images, up, scale) - reconstruction_loss(images, down, scale))
              .item<double>() /
          (2 * step);
      EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-9);
    }
  }
}

}  // namespace
}  // namespace coterie
