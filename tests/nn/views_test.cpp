#include "coterie/nn/views.h"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "nn/toy_images.h"

namespace coterie {
namespace {

using testing::toy_images;

constexpr ViewPreset kPresets[] = {ViewPreset::weak, ViewPreset::strong, ViewPreset::simclr,
                                   ViewPreset::digits};
const ViewKey kKey{.seed = 5, .name = "views/test/0", .epoch = 3};

torch::Tensor views(const torch::Tensor& images, const ViewRecipe& recipe,
                    const ViewKey& key = kKey) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(images.size(0)));
  std::iota(ids.begin(), ids.end(), 100);
  return make_views(images, ids, key, recipe);
}

/// In how many of the images any value differs from that of the same image in `others`.
int changed(const torch::Tensor& images, const torch::Tensor& others) {
  return (images != others).flatten(1).any(1).sum().item<int>();
}

TEST(Views, StayInRangeAndLeaveTheImagesAlone) {
  for (const auto preset : kPresets) {
    for (const std::int64_t side : {28, 32, 96}) {
      for (const std::int64_t channels : {1, 3}) {
        const auto images = toy_images(12, channels, side, side);
        const auto before = images.clone();
        const auto out = views(images, view_recipe(preset, side));
        EXPECT_EQ(out.sizes(), images.sizes());
        EXPECT_TRUE(torch::isfinite(out).all().item<bool>());
        EXPECT_GE(out.min().item<float>(), 0);
        EXPECT_LE(out.max().item<float>(), 1);
        EXPECT_TRUE(torch::equal(images, before));
        EXPECT_GE(changed(out, images), 9);
      }
    }
  }
}

TEST(Views, DependOnKeyIdAndImageAlone) {
  for (const auto preset : kPresets) {
    for (const std::int64_t side : {28, 32, 96}) {
      const std::int64_t channels = side == 28 ? 1 : 3;
      const auto recipe = view_recipe(preset, side);
      const auto images = torch::rand({20, channels, side, side});
      const auto together = views(images, recipe);
      for (std::int64_t i = 0; i < 20; ++i) {
        const std::int64_t id = 100 + i;
        EXPECT_TRUE(torch::equal(
            make_views(images.narrow(0, i, 1), std::span(&id, 1), kKey, recipe)[0], together[i]));
      }
      // In another place, among others, in a batch that is worked on in several pieces.
      auto others = torch::rand({side == 96 ? 30 : 400, channels, side, side});
      std::vector<std::int64_t> ids(static_cast<std::size_t>(others.size(0)));
      std::iota(ids.begin(), ids.end(), 5000);
      others[23].copy_(images[7]);
      ids[23] = 107;
      EXPECT_TRUE(torch::equal(make_views(others, ids, kKey, recipe)[23], together[7]));
    }
  }
}

TEST(Views, DifferBySeedNameEpochAndId) {
  const auto recipe = view_recipe(ViewPreset::simclr, 32);
  const auto images = toy_images(1, 3, 32, 32).repeat({10, 1, 1, 1});
  const auto out = views(images, recipe);
  EXPECT_TRUE(torch::equal(out, views(images, recipe)));
  EXPECT_EQ(changed(out, out.roll(1, 0)), 10);
  EXPECT_EQ(changed(out, views(images, recipe, {6, kKey.name, kKey.epoch})), 10);
  EXPECT_EQ(changed(out, views(images, recipe, {kKey.seed, "views/test/1", kKey.epoch})), 10);
  EXPECT_EQ(changed(out, views(images, recipe, {kKey.seed, kKey.name, 4})), 10);
}

TEST(Views, AnEmptyRecipeLeavesImagesAlone) {
  const auto images = toy_images(5, 3, 16, 16);
  EXPECT_TRUE(torch::equal(views(images, {}), images));
  EXPECT_EQ(views(images.narrow(0, 0, 0), view_recipe(ViewPreset::weak, 16)).size(0), 0);
}

TEST(Views, ProbabilitiesHold) {
  // Four standard deviations of 2000 throws at 0.3 are 82.
  const auto images = toy_images(1, 3, 4, 4).repeat({2000, 1, 1, 1});
  const auto count = [&](const ViewRecipe& recipe) {
    return changed(views(images, recipe), images);
  };
  EXPECT_NEAR(count({.flip = 0.3}), 600, 82);
  EXPECT_NEAR(count({.jitter = 0.3, .brightness = 0.4}), 600, 82);
  EXPECT_NEAR(count({.jitter = 0.3, .contrast = 0.4}), 600, 82);
  EXPECT_NEAR(count({.jitter = 0.3, .saturation = 0.4}), 600, 82);
  EXPECT_NEAR(count({.jitter = 0.3, .hue = 0.4}), 600, 82);
  EXPECT_NEAR(count({.grey = 0.3}), 600, 82);
  EXPECT_NEAR(count({.blur = 0.3, .blur_sigma = {0.5, 2}}), 600, 82);
  EXPECT_NEAR(count({.solarize = 0.3}), 600, 82);
  EXPECT_EQ(count({.brightness = 0.4, .hue = 0.4}), 0);
  EXPECT_EQ(count({.jitter = 1, .brightness = 0.4, .hue = 0.4}), 2000);
}

TEST(Views, FlipsMirrorLeftAndRight) {
  const auto images = toy_images(1, 3, 4, 4).repeat({40, 1, 1, 1});
  const auto out = views(images, {.flip = 1});
  EXPECT_TRUE(torch::equal(out, images.flip(3)));
}

TEST(Views, OneChannelHasNoColourToChange) {
  const auto images = toy_images(50, 1, 8, 8);
  const ViewRecipe recipe{.jitter = 1, .saturation = 0.8, .hue = 0.5, .grey = 1};
  EXPECT_EQ(changed(views(images, recipe), images), 0);
}

TEST(Views, JitterFactorsFillTheirRangeInAnyOrder) {
  const auto images = torch::full({2000, 1, 2, 2}, 0.5f);
  const auto factors =
      views(images, {.jitter = 1, .brightness = 0.4}).select(2, 0).select(2, 0) * 2;
  EXPECT_GE(factors.min().item<float>(), 0.6f);
  EXPECT_LE(factors.max().item<float>(), 1.4f);
  EXPECT_LT(factors.min().item<float>(), 0.61f);
  EXPECT_GT(factors.max().item<float>(), 1.39f);
  EXPECT_NEAR(factors.mean().item<double>(), 1, 0.021);  // 4 x 0.8 / sqrt(12) / sqrt(2000)
  // Half black, half white, with brightness raised and contrast lowered: if brightness comes first,
  // white is cut at 1 and contrast leaves ends that add up to 1; if contrast comes first,
  // brightness raises their sum above 1. Each is one case of eight: two signs and the order.
  auto halves = torch::zeros({2000, 1, 2, 2});
  halves.select(3, 1).fill_(1);
  const auto both = views(halves, {.jitter = 1, .brightness = 0.4, .contrast = 0.4});
  const auto dark = both.select(2, 0).select(2, 0);
  const auto bright = both.select(2, 0).select(2, 1);
  const auto first = ((dark + bright - 1).abs() < 1e-5).logical_and(dark > 0).sum().item<int>();
  const auto last = ((dark + bright) > 1 + 1e-5).logical_and(dark > 0).sum().item<int>();
  EXPECT_NEAR(first, 250, 60);
  EXPECT_NEAR(last, 250, 60);
}

TEST(Views, CropsAreWholeBoxesOfTheRightSizes) {
  // On a ramp by columns and one by rows the ends of a view tell the box.
  const std::int64_t side = 32, count = 2000;
  const auto ramp = torch::arange(side, torch::kFloat) / static_cast<double>(side - 1);
  const auto across = ramp.view({1, 1, 1, side}).expand({count, 1, side, side}).contiguous();
  const auto down = across.transpose(2, 3).contiguous();
  const ViewRecipe recipe{.crop_scale = {0.2, 1}};
  const auto columns =
      views(across, recipe).select(2, 0).squeeze(1) * static_cast<double>(side - 1);
  const auto rows = views(down, recipe).select(3, 0).squeeze(1) * static_cast<double>(side - 1);
  const auto width = columns.select(1, side - 1) - columns.select(1, 0) + 1;
  const auto height = rows.select(1, side - 1) - rows.select(1, 0) + 1;
  for (const auto& pixels : {width, height, columns.select(1, 0), rows.select(1, 0)})
    EXPECT_TRUE(torch::allclose(pixels, pixels.round(), 0, 1e-3));
  // The slope in the middle tells the width too: no box reaches over the edge.
  const auto slope = columns.select(1, side / 2) - columns.select(1, side / 2 - 1);
  EXPECT_TRUE(torch::allclose(slope * side, width, 0, 1e-2));
  const auto share = width * height / static_cast<double>(side * side);
  const auto ratio = width / height;
  // Rounding to whole pixels moves a side of at least 12 by half a pixel.
  EXPECT_GT(share.min().item<double>(), 0.2 * 0.92);
  EXPECT_LT(share.min().item<double>(), 0.23);
  EXPECT_GT(share.max().item<double>(), 0.95);
  EXPECT_GT(ratio.min().item<double>(), 0.75 * 0.92);
  EXPECT_LT(ratio.max().item<double>(), 4. / 3 * 1.08);
  // Areas are uniform in 0.2 to 1 but for boxes that do not fit, which are drawn again: those with
  // an area near 1.
  EXPECT_NEAR(share.mean().item<double>(), 0.55, 0.04);
  EXPECT_GE(columns.min().item<double>(), -1e-3);
  EXPECT_NEAR(((columns.select(1, 0) + columns.select(1, side - 1)) / 2).mean().item<double>(),
              15.5, 0.5);
}

TEST(Views, ACropThatNeverFitsIsTheLargestOfItsRatio) {
  // Twice as wide as high at least, of the whole area: never fits. The widest: 32 x 16, central.
  const auto ramp = torch::arange(32, torch::kFloat) / 31;
  const auto down = ramp.view({1, 1, 32, 1}).expand({3, 1, 32, 32}).contiguous();
  const ViewRecipe recipe{.crop_scale = {0.99, 1}, .crop_ratio = {2, 3}};
  const auto rows = views(down, recipe).select(3, 0).squeeze(1) * 31;
  EXPECT_TRUE(torch::allclose(rows.select(1, 0), torch::full({3}, 8.0f), 0, 1e-3));
  EXPECT_TRUE(torch::allclose(rows.select(1, 31), torch::full({3}, 23.0f), 0, 1e-3));
}

TEST(Views, CutoutIsOneSquareWithinItsLargestSide) {
  const auto images = torch::ones({2000, 3, 32, 32});
  const auto holes = views(images, {.cutout = 16}) == 0.5;
  EXPECT_TRUE(torch::equal(holes.select(1, 0), holes.select(1, 2)));
  const auto hole = holes.select(1, 0);
  const auto height = hole.any(2).sum(1);
  const auto width = hole.any(1).sum(1);
  EXPECT_TRUE(torch::equal(hole.flatten(1).sum(1), height * width));
  EXPECT_EQ(torch::maximum(height, width).max().item<int>(), 16);
  EXPECT_EQ(torch::minimum(height, width).min().item<int>(), 1);
  // Every pixel is hit about equally often but at the border.
  const auto hits = hole.to(torch::kFloat).mean(0);
  EXPECT_NEAR(hits[16][16].item<double>(), 93.5 / 1024, 0.03);  // mean of n^2, n = 1 to 16
}

TEST(Views, DigitsAreNeverMirrored) {
  EXPECT_EQ(view_recipe(ViewPreset::digits, 28).flip, 0);
  const auto ramp = torch::arange(28, torch::kFloat) / 27;
  const auto images = ramp.view({1, 1, 1, 28}).expand({500, 1, 28, 28}).contiguous();
  const auto out = views(images, view_recipe(ViewPreset::digits, 28));
  const auto rise = (out.narrow(3, 14, 14) - out.narrow(3, 0, 14)).mean({1, 2, 3});
  EXPECT_GT(rise.min().item<float>(), 0);
}

TEST(Views, PresetsSayWhatTheyAreKnownFor) {
  const auto small = view_recipe(ViewPreset::simclr, 32);
  EXPECT_EQ(small.blur, 0);
  EXPECT_EQ(small.brightness, 0.4);
  const auto large = view_recipe(ViewPreset::simclr, 224);
  EXPECT_EQ(large.blur, 0.5);
  EXPECT_EQ(large.blur_kernel, 23);
  EXPECT_EQ(view_recipe(ViewPreset::simclr, 96).blur_kernel, 9);
  EXPECT_EQ(large.hue, 0.2);
  EXPECT_EQ(view_recipe(ViewPreset::weak, 96).saturation, 0.2);
  EXPECT_EQ(view_recipe(ViewPreset::strong, 32).cutout, 16);
  EXPECT_EQ(view_recipe(ViewPreset::strong, 96).cutout, 32);
  EXPECT_EQ(view_recipe(ViewPreset::strong, 224).cutout, 75);
}

TEST(Views, RefuseWhatTheyCannotTake) {
  const std::int64_t id = 0;
  const auto make = [&](const torch::Tensor& images) {
    return make_views(images, std::span(&id, 1), kKey, {});
  };
  EXPECT_THROW(make(torch::rand({2, 3, 8, 8})), std::invalid_argument);
  EXPECT_THROW(make(torch::rand({1, 2, 8, 8})), std::invalid_argument);
  EXPECT_THROW(make(torch::rand({1, 3, 8, 9})), std::invalid_argument);
  EXPECT_THROW(make(torch::rand({1, 3, 8, 8}).to(torch::kDouble)), std::invalid_argument);
}

TEST(Views, AreTheSameOnAGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  for (const auto preset : kPresets) {
    const auto images = toy_images(20, 3, 96, 96);
    const auto recipe = view_recipe(preset, 96);
    const auto there = views(images.to(torch::kCUDA), recipe).to(torch::kCPU);
    // Here and there rounding moves a value over the edge between two levels.
    const auto off = (there - views(images, recipe)).abs() > 1e-3;
    EXPECT_LT(off.to(torch::kFloat).mean().item<float>(), 0.01);
  }
}

}  // namespace
}  // namespace coterie
