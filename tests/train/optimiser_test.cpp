#include "coterie/train/optimiser.h"

#include <functional>

#include "testing.h"

namespace coterie {
namespace {

torch::nn::Sequential network() {
  torch::manual_seed(3);
  return torch::nn::Sequential(torch::nn::Linear(5, 7), torch::nn::Tanh(), torch::nn::Linear(7, 2));
}

TEST(Optimiser, FirstStepIsTheLearningRateAgainstTheGradientsSign) {
  auto one = torch::nn::Linear(torch::nn::LinearOptions(1, 1).bias(false));
  torch::NoGradGuard no_grad;
  one->weight.fill_(2.0);
  Optimiser adam({one.ptr().get()}, {});
  one->weight.mutable_grad().fill_(-5.0);
  adam.step(0.1);
  EXPECT_NEAR(one->weight.item<double>(), 2.1, 1e-6);
}

TEST(Optimiser, EqualsLibtorchsOwnOverManySteps) {
  for (const double decay : {0.0, 0.1}) {
    auto ours = network();
    auto theirs = network();
    Optimiser adam({ours.ptr().get()}, {.weight_decay = decay});
    torch::optim::Adam reference(theirs->parameters(),
                                 torch::optim::AdamOptions(0.01).weight_decay(decay));
    for (int step = 0; step < 50; ++step) {
      torch::manual_seed(step);
      const auto x = torch::randn({6, 5});
      adam.zero_gradients();
      ours->forward(x).square().sum().backward();
      adam.step(0.01);
      reference.zero_grad();
      theirs->forward(x).square().sum().backward();
      reference.step();
    }
    const auto a = ours->parameters();
    const auto b = theirs->parameters();
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_LT((a[i] - b[i]).abs().max().item<float>(), 2e-6) << i;
    EXPECT_EQ(adam.steps(), 50);
  }
}

/// Trains `network()` with ours and with libtorch's and compares the weights.
template <class Reference>
void expect_same_path(const OptimiserSettings& settings,
                      const std::function<Reference(std::vector<torch::Tensor>)>& make) {
  auto ours = network();
  auto theirs = network();
  Optimiser optimiser({ours.ptr().get()}, settings);
  Reference reference = make(theirs->parameters());
  for (int step = 0; step < 30; ++step) {
    torch::manual_seed(step);
    const auto x = torch::randn({6, 5});
    optimiser.zero_gradients();
    ours->forward(x).square().sum().backward();
    optimiser.step(0.01);
    reference.zero_grad();
    theirs->forward(x).square().sum().backward();
    reference.step();
  }
  for (std::size_t i = 0; i < ours->parameters().size(); ++i)
    EXPECT_LT((ours->parameters()[i] - theirs->parameters()[i]).abs().max().item<float>(), 1e-5);
}

TEST(Optimiser, SgdAndRmspropEqualLibtorchs) {
  expect_same_path<torch::optim::SGD>(
      {.kind = OptimiserKind::sgd, .weight_decay = 0.1, .momentum = 0.9}, [](auto parameters) {
        return torch::optim::SGD(parameters,
                                 torch::optim::SGDOptions(0.01).momentum(0.9).weight_decay(0.1));
      });
  expect_same_path<torch::optim::RMSprop>(
      {.kind = OptimiserKind::rmsprop, .weight_decay = 0.1}, [](auto parameters) {
        return torch::optim::RMSprop(
            parameters, torch::optim::RMSpropOptions(0.01).alpha(0.9).weight_decay(0.1));
      });
}

TEST(Optimiser, ClipsLongGradientsAlone) {
  auto one = torch::nn::Linear(torch::nn::LinearOptions(2, 1).bias(false));
  torch::NoGradGuard no_grad;
  Optimiser sgd({one.ptr().get()}, {.kind = OptimiserKind::sgd, .clip_norm = 1});
  const auto moved_by = [&](float x, float y) {
    const auto before = one->weight.clone();
    one->weight.mutable_grad().copy_(torch::tensor({{x, y}}));
    sgd.step(1.0);
    return (before - one->weight).squeeze(0);
  };
  const auto long_one = moved_by(3, 4);  // of length 5
  EXPECT_NEAR(long_one[0].item<double>(), 0.6, 1e-5);
  EXPECT_NEAR(long_one[1].item<double>(), 0.8, 1e-5);
  EXPECT_NEAR(moved_by(0.3f, 0.4f)[1].item<double>(), 0.4, 1e-5);
}

TEST(Optimiser, KeepsTheLayoutOfConvolutions) {
  torch::nn::Conv2d convolution(3, 4, 3);
  convolution->weight.set_data(convolution->weight.contiguous(torch::MemoryFormat::ChannelsLast));
  const auto before = convolution->weight.detach().clone();
  Optimiser optimiser({convolution.ptr().get()}, {});
  EXPECT_TRUE(convolution->weight.is_contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(torch::equal(convolution->weight, before));
  EXPECT_EQ(convolution->weight.grad().sizes(), before.sizes());
}

TEST(Optimiser, StateComesBackAndMisfitsAreRefused) {
  auto first = network();
  Optimiser adam({first.ptr().get()}, {});
  first->forward(torch::ones({1, 5})).sum().backward();
  adam.step(0.01);
  TensorMap tensors;
  adam.save("optimiser/", tensors);
  auto second = network();
  Optimiser other({second.ptr().get()}, {});
  other.load("optimiser/", tensors);
  EXPECT_EQ(other.steps(), 1);
  TensorMap again;
  other.save("optimiser/", again);
  EXPECT_EQ(again.at("optimiser/first").bytes, tensors.at("optimiser/first").bytes);
  EXPECT_EQ(again.at("optimiser/second").bytes, tensors.at("optimiser/second").bytes);

  auto larger = torch::nn::Linear(50, 50);
  Optimiser misfit({larger.ptr().get()}, {});
  EXPECT_CONTAINS(testing::user_error_of([&] { misfit.load("optimiser/", tensors); }),
                  "optimiser/first holds 58 values, this network has 2550");
  EXPECT_CONTAINS(testing::user_error_of([&] { misfit.load("nowhere/", tensors); }),
                  "lacks nowhere/first");
}

TEST(Optimiser, KnowsWhetherItsWeightsAreFinite) {
  auto some = network();
  Optimiser adam({some.ptr().get()}, {});
  EXPECT_TRUE(adam.finite());
  torch::NoGradGuard no_grad;
  some->parameters()[2][0][0] = INFINITY;
  EXPECT_FALSE(adam.finite());
}

}  // namespace
}  // namespace coterie
