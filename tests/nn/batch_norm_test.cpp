#include "coterie/nn/batch_norm.h"

#include <gtest/gtest.h>

#include "coterie/nn/tensors.h"
#include "processes.h"

namespace coterie {
namespace {

using namespace testing;

torch::Tensor same(const torch::Tensor& local) { return local; }

struct Net : torch::nn::Module {
  BatchNorm2d inner{3};
  torch::nn::Sequential layers{torch::nn::Conv2d(3, 4, 1), BatchNorm2d(4)};
  Net() {
    register_module("inner", inner);
    register_module("layers", layers);
  }
};

TEST(BatchNorm, WithoutSynchronisationIsLibtorchsOwn) {
  torch::manual_seed(3);
  BatchNorm2d ours(3);
  torch::nn::BatchNorm2d theirs(3);
  for (int step = 0; step < 2; ++step) {
    const auto images = torch::randn({4, 3, 5, 5}) + 2;
    EXPECT_TRUE(ours(images).equal(theirs(images)));
  }
  EXPECT_TRUE(ours->running_mean.equal(theirs->running_mean));
  EXPECT_TRUE(ours->running_var.equal(theirs->running_var));
}

TEST(BatchNorm, NamesParametersAndBuffersAsLibtorch) {
  Net net;
  EXPECT_TRUE(net.named_parameters().contains("layers.1.weight"));
  EXPECT_TRUE(net.named_buffers().contains("layers.1.running_var"));
  EXPECT_TRUE(net.named_buffers().contains("inner.num_batches_tracked"));
}

TEST(BatchNorm, CopiesStaySynchronisedAndInitialise) {
  BatchNorm2d norm(2);
  int sums = 0;
  synchronise_batch_norms(*norm, [&](const torch::Tensor& local) {
    ++sums;
    return local;
  });
  const auto copy = std::dynamic_pointer_cast<BatchNorm2dImpl>(norm->clone());
  ASSERT_TRUE(copy);
  torch::NoGradGuard no_grad;
  copy->weight.fill_(9);
  RandomStream stream(1, "test");
  initialise(*copy, stream);
  EXPECT_TRUE(copy->weight.equal(torch::ones(2)));
  copy->forward(torch::randn({2, 2, 3, 3}));
  EXPECT_EQ(sums, 2);
}

TEST(BatchNorm, SynchronisationReachesEveryNormAndEnds) {
  Net net;
  int sums = 0;
  synchronise_batch_norms(net, [&](const torch::Tensor& local) {
    ++sums;
    return local;
  });
  const auto images = torch::randn({2, 3, 4, 4});
  net.layers->forward(net.inner(images));
  EXPECT_EQ(sums, 4);  // two for each
  net.eval();
  net.layers->forward(net.inner(images));
  EXPECT_EQ(sums, 4);
  net.train();
  synchronise_batch_norms(net, nullptr);
  net.layers->forward(net.inner(images));
  EXPECT_EQ(sums, 4);
}

TEST(BatchNorm, OfOneProcessSynchronisedIsAsLibtorchs) {
  torch::manual_seed(4);
  // A mean far from zero: the plain difference of squares would lose all digits.
  const auto images = torch::randn({8, 2, 6, 6}) + 3000;
  BatchNorm2d ours(2);
  torch::nn::BatchNorm2d theirs(2);
  synchronise_batch_norms(*ours, same);
  EXPECT_TRUE(torch::allclose(ours(images), theirs(images), 0, 1e-3));
  EXPECT_TRUE(torch::allclose(ours->running_var, theirs->running_var, 1e-4));
  EXPECT_TRUE(torch::allclose(ours->running_mean, theirs->running_mean, 1e-6));
}

TEST(BatchNorm, KeepsHalfPrecisionOutsideAndComputesInFloat) {
  BatchNorm1d norm(2);
  synchronise_batch_norms(*norm, [](const torch::Tensor& local) {
    EXPECT_EQ(local.scalar_type(), torch::kFloat);
    return local;
  });
  const auto output = norm(torch::tensor({{1.0F, 500.0F}, {3.0F, 700.0F}}).to(torch::kBFloat16));
  EXPECT_EQ(output.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::allclose(output.to(torch::kFloat),
                              torch::tensor({{-1.0F, -1.0F}, {1.0F, 1.0F}}), 0, 1e-2));
}

TEST(BatchNorm, RefusesInputOfAnotherShape) {
  BatchNorm1d norm(2);
  synchronise_batch_norms(*norm, same);
  EXPECT_ANY_THROW(norm(torch::zeros({2, 2, 3, 3})));
}

#if defined(COTERIE_GLOO)
TEST(BatchNorm, OverProcessesIsThatOfTheWholeBatch) {
  expect_scenario("norm_1d", 2);
  expect_scenario("norm_2d", 3);
  expect_scenario("norm_uneven_parts", 3);
}
#endif

TEST(BatchNorm, RenewedStatisticsAreTheMeanOverBatches) {
  BatchNorm1d seen(3), unseen(3);
  torch::nn::Sequential both(seen, unseen);
  both->eval();
  seen->running_mean.fill_(100);
  const auto first = torch::rand({6, 3}), second = torch::rand({6, 3}) + 2;
  renew_running_statistics({both.ptr().get()}, [&] {
    seen->forward(first);
    seen->forward(second);
  });
  const auto mean = (first.mean(0) + second.mean(0)) / 2;
  const auto variance = (first.var(0) + second.var(0)) / 2;
  EXPECT_TRUE(torch::allclose(seen->running_mean, mean));
  EXPECT_TRUE(torch::allclose(seen->running_var, variance));
  EXPECT_TRUE(torch::equal(unseen->running_mean, torch::zeros({3})));
  // After it the latest batch counts a tenth again.
  seen->forward(first);
  EXPECT_TRUE(torch::allclose(seen->running_mean, 0.9 * mean + 0.1 * first.mean(0)));
}

}  // namespace
}  // namespace coterie
