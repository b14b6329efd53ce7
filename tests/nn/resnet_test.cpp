#include "coterie/nn/resnet.h"

#include "coterie/nn/precision.h"
#include "coterie/nn/tensors.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::user_error_of;

ResNet network(const ResNetShape& shape, std::uint64_t seed = 1) {
  ResNet made(shape);
  RandomStream stream(seed, "resnet test");
  made->initialise(stream);
  return made;
}

std::int64_t resnet_parameter_count(const ResNet& network) {
  std::int64_t count = 0;
  for (const auto& parameter : network->parameters()) count += parameter.numel();
  return count;
}

TEST(ResNet, HasTorchvisionsParameters) {
  // torchvision: sum(p.numel() for p in resnet18().parameters()) is 11,689,512 and the classifier
  // has 513,000; likewise 21,797,672 for resnet34; 25,557,032 with 2,049,000 for resnet50.
  const auto large = [](ResNetKind kind) {
    return resnet_parameter_count(ResNet(ResNetShape{kind, ResNetStem::large, 3}));
  };
  EXPECT_EQ(large(ResNetKind::resnet18), 11689512 - 513000);
  EXPECT_EQ(large(ResNetKind::resnet34), 21797672 - 513000);
  EXPECT_EQ(large(ResNetKind::resnet50), 25557032 - 2049000);
  const ResNet bottleneck(ResNetShape{ResNetKind::resnet50, ResNetStem::large, 3});
  const auto names = bottleneck->named_parameters();
  for (const char* name :
       {"conv1.weight", "bn1.bias", "layer1.0.downsample.0.weight", "layer1.0.downsample.1.bias",
        "layer3.5.conv3.weight", "layer4.2.bn3.bias"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST(ResNet, TakesEverySizeAndGivesItsWidth) {
  for (const std::int64_t side : {28, 32, 96, 224}) {
    auto small = network({ResNetKind::compact, stem_for(side), 1});
    small->eval();
    EXPECT_EQ(small->forward(torch::rand({2, 1, side, side})).sizes(),
              torch::IntArrayRef({2, 256}));
  }
  EXPECT_EQ(network({ResNetKind::resnet50, ResNetStem::small, 3})->width(), 2048);
}

TEST(ResNet, TheLastLayersMeansAreItsOutput) {
  ResNet network(
      ResNetShape{.kind = ResNetKind::compact, .stem = ResNetStem::small, .channels = 1});
  network->eval();
  torch::NoGradGuard no_grad;
  const auto images = torch::rand({2, 1, 28, 28});
  const auto means = network->layer_means(images);
  ASSERT_EQ(means.size(), 3u);
  EXPECT_EQ(means[0].sizes(), (std::vector<std::int64_t>{2, 64}));
  EXPECT_EQ(means[1].sizes(), (std::vector<std::int64_t>{2, 128}));
  EXPECT_TRUE(torch::equal(means[2], network->forward(images)));
}

TEST(ResNet, ABlockStartsAsTheIdentity) {
  // With the last norms at zero, layer1 of ResNet-18 lets the stem's output through.
  auto made = network({ResNetKind::resnet18, ResNetStem::small, 3});
  const auto children = made->named_children();
  const auto x = torch::rand({2, 64, 8, 8});
  auto* layer = children["layer1"]->as<torch::nn::Sequential>();
  ASSERT_NE(layer, nullptr);
  EXPECT_TRUE(torch::equal(layer->forward(x), x));
}

TEST(ResNet, WeightsOfAFileStartItAndMisfitsAreListed) {
  TemporaryFolder folder;
  const ResNetShape shape{ResNetKind::compact, ResNetStem::small, 3};
  auto first = network(shape, 1), second = network(shape, 2);
  TensorMap tensors;
  save_module(*first, "", tensors);
  const std::vector<float> classifier(10 * 256);
  tensors["fc.weight"] = make_tensor<float>({10, 256}, classifier);
  write_safetensors(folder / "weights.safetensors", tensors);
  load_backbone(*second, folder / "weights.safetensors");
  const auto x = torch::rand({2, 3, 32, 32});
  first->eval();
  second->eval();
  EXPECT_TRUE(torch::equal(first->forward(x), second->forward(x)));

  auto grey = network({ResNetKind::compact, ResNetStem::small, 1});
  const auto before = grey->parameters()[3].clone();
  const std::string message =
      user_error_of([&] { load_backbone(*grey, folder / "weights.safetensors"); });
  EXPECT_CONTAINS(message, "conv1.weight has shape [32, 3, 3, 3] instead of [32, 1, 3, 3]");
  EXPECT_TRUE(torch::equal(before, grey->parameters()[3]));
  tensors.erase("layer1.0.conv1.weight");
  tensors["head.weight"] = tensors.at("fc.weight");
  write_safetensors(folder / "other.safetensors", tensors);
  const std::string other =
      user_error_of([&] { load_backbone(*second, folder / "other.safetensors"); });
  EXPECT_CONTAINS(other, "layer1.0.conv1.weight is missing");
  EXPECT_CONTAINS(other, "head.weight is unknown");
}

TEST(Precision, NamesAndRefusals) {
  EXPECT_EQ(resolve_precision("fp32", torch::kCPU), Precision::fp32);
  // What the device has no instructions for is not asked of it.
  EXPECT_EQ(resolve_precision("bf16", torch::kCPU), resolve_precision("auto", torch::kCPU));
  EXPECT_CONTAINS(user_error_of([] { resolve_precision("fp16", torch::kCPU); }),
                  "precision = 'fp16' is not known: allowed is auto, fp32 or bf16");
}

TEST(Precision, Bf16IsNearFloatAndComesOutAsFloat) {
  auto made = network({ResNetKind::compact, ResNetStem::small, 3});
  made->eval();
  torch::manual_seed(1);
  const auto x = torch::rand({4, 3, 32, 32});
  const auto run = [&](Precision precision) {
    return forward_in(precision, x, [&](const auto& images) { return made->forward(images); });
  };
  const auto exact = run(Precision::fp32), narrow = run(Precision::bf16);
  EXPECT_EQ(narrow.scalar_type(), torch::kFloat);
  EXPECT_FALSE(torch::equal(exact, narrow));
  EXPECT_LT(((exact - narrow).norm() / exact.norm()).item<double>(), 0.03);
}

}  // namespace
}  // namespace coterie
