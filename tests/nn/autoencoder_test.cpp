#include "coterie/nn/autoencoder.h"

#include "coterie/nn/tensors.h"
#include "testing.h"

namespace coterie {
namespace {

std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

TEST(Autoencoder, GivesBackTheShapeItTakes) {
  for (const std::int64_t channels : {1, 3})
    for (const std::int64_t side : {28, 32, 96})
      for (const std::int64_t bottleneck : {0, 10}) {
        Autoencoder network(
            AutoencoderShape{.channels = channels, .side = side, .bottleneck = bottleneck});
        const auto images = torch::rand({2, channels, side, side});
        const auto code = network->encode(images);
        const std::int64_t width = bottleneck ? bottleneck : 256;
        EXPECT_EQ(code.sizes(), torch::IntArrayRef({2, width}));
        EXPECT_EQ(network->code_width(), width);
        EXPECT_EQ(network->decode(code).sizes(), images.sizes());
      }
}

TEST(Autoencoder, HasTheWeightsOfTableThree) {
  // Encoder: weights 9 (1 8 + 8 16 + 16 32 + 32 64), biases 120, batch norms 2 x 120.
  // Decoder: weights 9 (64 32 + 32 16 + 16 8 + 8 1), biases 57, batch norms 2 x 56.
  const std::int64_t encoder = 9 * (8 + 128 + 512 + 2048) + 120 + 240;
  const std::int64_t decoder = 9 * (2048 + 512 + 128 + 8) + 57 + 112;
  EXPECT_EQ(parameter_count(*Autoencoder(AutoencoderShape{.side = 28})), encoder + decoder);
  EXPECT_EQ(parameter_count(*Autoencoder(AutoencoderShape{.side = 32})), encoder + decoder);
  // 96: 5 x 5 at both ends. 16 + 32 + 64 + 128 + 256 = 496; 128 + 64 + 32 + 16 = 240.
  const std::int64_t inner = 16 * 32 + 32 * 64 + 64 * 128 + 128 * 256;
  EXPECT_EQ(parameter_count(*Autoencoder(AutoencoderShape{.channels = 3, .side = 96})),
            (25 * 3 * 16 + 9 * inner + 496 + 2 * 496) + (9 * inner + 25 * 16 * 3 + 243 + 2 * 240));
  // A bottleneck of 10 adds 256 10 + 10 and 10 256 + 256.
  EXPECT_EQ(parameter_count(*Autoencoder(AutoencoderShape{.side = 28, .bottleneck = 10})),
            encoder + decoder + 2570 + 2816);
}

TEST(Autoencoder, EveryPixelOfTheOutputHangsOnTheCode) {
  for (const std::int64_t side : {28, 32, 96}) {
    Autoencoder network(AutoencoderShape{.side = side});
    RandomStream stream(3, "weights");
    initialise(*network, stream);
    network->eval();
    torch::NoGradGuard no_grad;
    // Of several codes, as one alone may by chance give a pixel the value that it has without a
    // code.
    const auto difference =
        (network->decode(torch::rand({8, 256})) - network->decode(torch::zeros({1, 256}))).abs();
    EXPECT_GT(difference.amax(0).min().item<double>(), 1e-6) << side;
  }
}

TEST(Autoencoder, RefusesShapesThatHaveNoNetwork) {
  EXPECT_CONTAINS(testing::user_error_of([] { Autoencoder network(AutoencoderShape{.side = 64}); }),
                  "64 pixels: allowed is 28, 32, 96");
  EXPECT_CONTAINS(
      testing::user_error_of([] { Autoencoder network(AutoencoderShape{.channels = 4}); }),
      "4 channels: allowed is 1 or 3");
}

TEST(Autoencoder, NearestSideIsByRatio) {
  EXPECT_EQ(nearest_autoencoder_side(8), 28);
  EXPECT_EQ(nearest_autoencoder_side(28), 28);
  EXPECT_EQ(nearest_autoencoder_side(30), 32);  // 32/30 < 30/28
  EXPECT_EQ(nearest_autoencoder_side(32), 32);
  EXPECT_EQ(nearest_autoencoder_side(55), 32);  // 55/32 < 96/55
  EXPECT_EQ(nearest_autoencoder_side(56), 96);  // 96/56 < 56/32
  EXPECT_EQ(nearest_autoencoder_side(224), 96);
}

}  // namespace
}  // namespace coterie
