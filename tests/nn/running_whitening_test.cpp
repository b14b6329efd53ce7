#include "coterie/nn/running_whitening.h"

#include <gtest/gtest.h>

#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// Rows whose first two columns vary much, the third a hundredth of that, about a mean.
torch::Tensor rows(std::int64_t count, double mean) {
  return torch::randn({count, 3}) * torch::tensor({10.f, 5.f, 0.1f}) + mean;
}

torch::Tensor covariance_of(const torch::Tensor& rows) {
  const auto centred = rows - rows.mean(0, true);
  return centred.t().mm(centred) / static_cast<double>(rows.size(0));
}

TEST(RunningWhitening, MakesTheCovarianceTheIdentityAndLeavesSmallComponentsOut) {
  torch::manual_seed(1);
  const auto features = rows(5000, 7);
  RunningWhitening all(3, 1.0), most(3, 0.99);
  all.start(to_matrix(features));
  EXPECT_TRUE(torch::allclose(covariance_of(all.next(features)), torch::eye(3, torch::kDouble),
                              1e-2, 1e-2));
  most.start(to_matrix(features));
  const auto expected = torch::diag(torch::tensor({1.0, 1.0, 0.0}, torch::kDouble));
  const auto whitened = most.next(features);
  EXPECT_TRUE(torch::allclose(covariance_of(whitened), expected, 1e-2, 1e-2));
  EXPECT_LT(whitened.select(1, 2).abs().max().item<double>(), 0.05);
}

TEST(RunningWhitening, FollowsFeaturesThatMove) {
  torch::manual_seed(2);
  RunningWhitening whitening(3, 1.0);
  whitening.start(to_matrix(rows(5000, 0)));
  const auto before = whitening.next(rows(200, 50)).mean(0).norm().item<double>();
  EXPECT_GT(before, 4);
  for (int step = 0; step < 700; ++step) whitening.next(3 * rows(200, 50));
  const auto after = whitening.next(3 * rows(5000, 50));
  EXPECT_LT(after.mean(0).norm().item<double>(), 0.3);
  EXPECT_TRUE(torch::allclose(covariance_of(after), torch::eye(3, torch::kDouble), 0.2, 0.1));
}

}  // namespace
}  // namespace coterie
