#include "coterie/nn/augment.h"

#include <gtest/gtest.h>

namespace coterie {
namespace {

TEST(RandomAffine, LeavesImagesAloneWhereTheRangeIsEmpty) {
  RandomStream stream(1, "augment");
  const auto images = torch::rand({3, 2, 9, 9});
  const auto out = random_affine(images, {}, stream);
  EXPECT_LT((out - images).abs().max().item<float>(), 1e-5);
}

TEST(RandomAffine, MovesBySharesOfTheSide) {
  // The first number drawn for an image is its angle, then scale, slant, shift across and down.
  RandomStream peek(4, "augment");
  for (int i = 0; i < 3; ++i) peek.uniform();
  const double across = 0.25 * (2 * peek.uniform() - 1) * 8;  // pixels, of the sampling point
  const double down = 0.25 * (2 * peek.uniform() - 1) * 8;
  RandomStream stream(4, "augment");
  // On a plane that rises by 1 a column and 10 a row, moving adds a constant.
  const auto plane = (torch::arange(8, torch::kFloat).view({1, 8}) +
                      10 * torch::arange(8, torch::kFloat).view({8, 1}))
                         .view({1, 1, 8, 8});
  const auto out = random_affine(plane, {.shift = 0.25}, stream);
  EXPECT_LE(std::abs(across), 2.0);
  EXPECT_NEAR((out - plane)[0][0][4][4].item<double>(), across + 10 * down, 1e-4);
}

TEST(RandomAffine, TurnsAndScalesAboutTheCentre) {
  // A disc centred on the image: its mass grows by the square of the size and stays in place.
  const std::int64_t side = 41;
  const auto axis = torch::arange(side, torch::kFloat) - 20;
  const auto disc = ((axis.view({1, side}).square() + axis.view({side, 1}).square()) < 64)
                        .to(torch::kFloat)
                        .view({1, 1, side, side});
  RandomStream stream(7, "augment");
  RandomStream peek(7, "augment");
  for (int i = 0; i < 5; ++i) {
    peek.uniform();
    const double size = 1 + 0.3 * (2 * peek.uniform() - 1);
    for (int k = 0; k < 3; ++k) peek.uniform();
    const auto out = random_affine(disc, {.degrees = 90, .scale = 0.3}, stream);
    EXPECT_NEAR((out.sum() / disc.sum()).item<double>(), size * size, 0.03);
    EXPECT_NEAR(((out * axis.view({1, side})).sum() / out.sum()).item<double>(), 0, 0.05);
  }
}

}  // namespace
}  // namespace coterie
