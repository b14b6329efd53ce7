#include "coterie/nn/tensors.h"

#include "testing.h"

namespace coterie {
namespace {

torch::nn::Sequential small_network() {
  return torch::nn::Sequential(torch::nn::Conv2d(1, 2, 3), torch::nn::BatchNorm2d(2),
                               torch::nn::Linear(4, 3));
}

TEST(Tensors, KeepTypeShapeAndBytesBothWays) {
  for (const auto type : {torch::kFloat, torch::kDouble, torch::kHalf, torch::kBFloat16,
                          torch::kLong, torch::kInt, torch::kShort, torch::kByte, torch::kBool}) {
    const auto values = torch::arange(6).view({2, 3}).to(type);
    const Tensor stored = from_torch(values);
    EXPECT_EQ(stored.shape, (std::vector<std::int64_t>{2, 3}));
    const auto back = to_torch(stored);
    EXPECT_EQ(back.scalar_type(), type);
    EXPECT_TRUE(torch::equal(back, values));
  }
  // A transposed view is stored in row-major order.
  const auto turned = torch::tensor({{1.f, 2.f}, {3.f, 4.f}}).t();
  const auto stored = from_torch(turned);
  EXPECT_EQ(stored.values<float>()[1], 3.0f);
  EXPECT_EQ(to_torch(Tensor{DType::f32, {0, 4}, {}}).sizes(), torch::IntArrayRef({0, 4}));
}

TEST(Tensors, RefuseATypeThatTheFormatLacks) {
  EXPECT_CONTAINS(
      testing::user_error_of([] { from_torch(torch::zeros({1}, torch::kComplexFloat)); }),
      "cannot be stored");
}

TEST(Tensors, AModuleComesBackFromItsTensors) {
  auto first = small_network();
  RandomStream stream(5, "weights");
  initialise(*first, stream);
  first->forward(torch::randn({4, 1, 6, 6}));  // Moves the batch norm's running mean.
  TensorMap tensors;
  save_module(*first, "net/", tensors);
  EXPECT_EQ(tensors.size(), 4u + 2 + 3);  // Two layers, a batch norm, its three buffers.
  auto second = small_network();
  load_module(*second, "net/", tensors);
  const auto a = first->named_parameters();
  for (const auto& item : second->named_parameters())
    EXPECT_TRUE(torch::equal(item.value(), a[item.key()])) << item.key();
  const auto b = first->named_buffers();
  for (const auto& item : second->named_buffers())
    EXPECT_TRUE(torch::equal(item.value(), b[item.key()])) << item.key();
  EXPECT_EQ(b["1.num_batches_tracked"].item<std::int64_t>(), 1);
}

TEST(Tensors, AllThatDoesNotFitIsListedAndNothingIsLoaded) {
  auto network = small_network();
  TensorMap tensors;
  save_module(*network, "net/", tensors);
  tensors.erase("net/0.bias");
  tensors["net/2.weight"] = make_tensor<float>({1, 2}, std::vector<float>{1, 2});
  tensors["net/2.bias"] = make_tensor<double>({3}, std::vector<double>{1, 2, 3});
  tensors["net/3.weight"] = make_tensor<float>({1}, std::vector<float>{1});
  tensors["other"] = make_tensor<float>({1}, std::vector<float>{1});
  tensors["net/0.weight"] = from_torch(torch::full({2, 1, 3, 3}, 7.0f));
  const auto faults = module_faults(*network, "net/", tensors);
  EXPECT_EQ(faults,
            (std::vector<std::string>{
                "net/0.bias is missing", "net/2.weight has shape [1, 2] instead of [3, 4]",
                "net/2.bias holds F64 instead of F32", "net/3.weight is unknown to the network"}));
  const auto before = network->named_parameters()["0.weight"].clone();
  const auto message = testing::user_error_of([&] { load_module(*network, "net/", tensors); });
  EXPECT_CONTAINS(message, "net/2.weight has shape [1, 2] instead of [3, 4]");
  EXPECT_TRUE(torch::equal(before, network->named_parameters()["0.weight"]));
}

TEST(Tensors, StartingWeightsComeFromTheStreamAlone) {
  auto first = small_network();
  auto second = small_network();
  for (auto* network : {&first, &second}) {
    RandomStream stream(9, "weights");
    initialise(**network, stream);
  }
  const auto a = first->named_parameters();
  const auto b = second->named_parameters();
  for (const auto& item : a) EXPECT_TRUE(torch::equal(item.value(), b[item.key()])) << item.key();
  // 3 x 3 with one input: within 1/3. The first is the stream's first number.
  RandomStream stream(9, "weights");
  EXPECT_FLOAT_EQ(a["0.weight"].flatten()[0].item<float>(),
                  static_cast<float>((2 * stream.uniform() - 1) / 3));
  EXPECT_LE(a["0.weight"].abs().max().item<float>(), 1.0f / 3);
  EXPECT_LE(a["2.bias"].abs().max().item<float>(), 0.5f);
  EXPECT_TRUE(torch::equal(a["1.weight"], torch::ones({2})));
  EXPECT_TRUE(torch::equal(a["1.bias"], torch::zeros({2})));
}

TEST(Tensors, WeightsMoveTowardsThoseOfAnotherModule) {
  auto slow = small_network();
  auto fast = small_network();
  torch::NoGradGuard no_grad;
  for (auto& weight : slow->parameters()) weight.fill_(2);
  for (auto& weight : fast->parameters()) weight.fill_(6);
  fast->named_buffers()["1.running_mean"].fill_(9);
  move_weights(*slow, *fast, 0.75);
  for (const auto& weight : slow->parameters()) EXPECT_TRUE(weight.eq(3).all().item<bool>());
  EXPECT_TRUE(slow->named_buffers()["1.running_mean"].eq(0).all().item<bool>());
  move_weights(*slow, *fast, 0);
  for (const auto& weight : slow->parameters()) EXPECT_TRUE(weight.eq(6).all().item<bool>());
}

}  // namespace
}  // namespace coterie
