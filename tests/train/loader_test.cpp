#include "coterie/train/loader.h"

#include <set>

#include "coterie/core/parallel.h"
#include "coterie/train/embed.h"
#include "testing.h"

namespace coterie {
namespace {

/// Three images of 2 channels, 2 x 2; value of (image, channel, pixel) = 60 image + 20 channel +
/// pixel.
struct Pack {
  Pack() {
    for (int i = 0; i < 3; ++i)
      for (int c = 0; c < 2; ++c)
        for (int p = 0; p < 4; ++p)
          pixels.push_back(static_cast<std::uint8_t>(60 * i + 20 * c + p));
    data = {.count = 3, .pixels = pixels.data(), .shape = {2, 2, 2}, .features = {}};
  }
  std::vector<std::uint8_t> pixels;
  TrainingData data;
};

TEST(Loader, BringsTheImagesThatAreAskedForInOrder) {
  Pack pack;
  Loader loader(pack.data, 2, torch::kCPU);
  const std::vector<std::int64_t> rows = {2, 0};
  const auto images = loader.batch(rows);
  ASSERT_EQ(images.sizes(), torch::IntArrayRef({2, 2, 2, 2}));
  EXPECT_FLOAT_EQ(images[0][1][1][0].item<float>(), (120 + 20 + 2) / 255.0f);
  EXPECT_FLOAT_EQ(images[1][0][0][1].item<float>(), 1 / 255.0f);
  // The next batch does not write over the last.
  loader.batch(std::vector<std::int64_t>{1, 1});
  EXPECT_FLOAT_EQ(images[1][0][0][1].item<float>(), 1 / 255.0f);
}

TEST(Loader, ResizesAndKeepsTheMean) {
  std::vector<std::uint8_t> pixels(64 * 64);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x) pixels[y * 64 + x] = (x % 2) ? 200 : 100;
  const TrainingData data = {
      .count = 1, .pixels = pixels.data(), .shape = {1, 64, 64}, .features = {}};
  Loader loader(data, 32, torch::kCPU);
  const auto image = loader.batch(std::vector<std::int64_t>{0});
  ASSERT_EQ(image.sizes(), torch::IntArrayRef({1, 1, 32, 32}));
  // Without the low-pass filter the stripes would come out as they fall under the sampling points.
  EXPECT_NEAR(image.mean().item<double>(), 150 / 255.0, 2e-3);
  EXPECT_LT((image.max() - image.min()).item<double>(), 0.11);
}

TEST(Loader, ChannelMeansAreExactOnAnyNumberOfThreads) {
  Pack pack;
  // Images' first pixels average 60; channel 1 is 20 higher; pixels 0..3 average 1.5.
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    const auto means = channel_statistics(pack.data).mean;
    ASSERT_EQ(means.sizes(), torch::IntArrayRef({1, 2, 1, 1}));
    EXPECT_FLOAT_EQ(means[0][0][0][0].item<float>(), 61.5f / 255);
    EXPECT_FLOAT_EQ(means[0][1][0][0].item<float>(), 81.5f / 255);
  }
  set_thread_count(0);
}

TEST(Embed, GivesARowForEveryImageWhateverTheBatch) {
  Pack pack;
  for (const std::int64_t batch : {1, 2, 3, 5}) {
    std::set<std::int64_t> sizes;
    const auto rows = embed(pack.data, {.side = 2, .batch = batch}, [&](const torch::Tensor& x) {
      sizes.insert(x.size(0));
      return x.flatten(1) * 255;
    });
    ASSERT_EQ(rows.rows(), 3);
    ASSERT_EQ(rows.cols(), 8);
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(rows(i, 5), 60 * i + 21, 1e-3);
    EXPECT_EQ(sizes, (std::set<std::int64_t>{batch}));
  }
}

TEST(Embed, StopsWhenCancelled) {
  Pack pack;
  CancelToken token;
  token.cancel();
  EXPECT_THROW(embed(pack.data, {.side = 2, .cancel = &token},
                     [](const torch::Tensor& x) { return x.flatten(1); }),
               Interrupted);
}

}  // namespace
}  // namespace coterie
