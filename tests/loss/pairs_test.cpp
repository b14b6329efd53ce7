#include "coterie/loss/pairs.h"

#include <gtest/gtest.h>

#include "loss/gradients.h"

namespace coterie {
namespace {

torch::Tensor square(std::initializer_list<double> values, std::int64_t side) {
  return torch::tensor(std::vector<double>(values), torch::kDouble).view({side, side});
}

TEST(Thresholds, MoveByOnePointOneTimesTheRate) {
  const ThresholdRule rule{.upper = 0.95, .lower = 0.5, .rate = 0.005};
  EXPECT_DOUBLE_EQ(rule.at(0).upper, 0.95);
  EXPECT_DOUBLE_EQ(rule.at(0).lower, 0.5);
  EXPECT_NEAR(rule.at(1).upper, 0.95 - 0.0055, 1e-12);
  EXPECT_NEAR(rule.at(1).lower, 0.5 + 0.00055, 1e-12);
  EXPECT_NEAR(rule.at(10).upper, 0.95 - 0.055, 1e-12);
}

TEST(Thresholds, StayWhereTheyMet) {
  // 0.45 / 1.1 / 0.0055 = 74.4 epochs; the authors of DAC: 0.495 / 1.1 / 0.0099 = 45.5.
  EXPECT_EQ((ThresholdRule{0.95, 0.5, 0.005}.meeting()), 75);
  EXPECT_EQ((ThresholdRule{0.95, 0.455, 0.009}.meeting()), 46);
  const ThresholdRule rule{.upper = 0.61, .lower = 0.5, .rate = 0.1};  // 0.11 in one step of 0.11
  EXPECT_EQ(rule.meeting(), 1);
  EXPECT_NEAR(rule.at(1).upper, 0.50, 1e-12);
  EXPECT_NEAR(rule.at(7).upper, 0.50, 1e-12);
  EXPECT_NEAR(rule.at(7).lower, 0.511, 1e-12);
}

TEST(Pairs, SimilarityIsTheCosine) {
  const auto rows = torch::tensor({{1.0, 0.0}, {0.5, 0.5}, {0.0, 1.0}}, torch::kDouble);
  const double half = std::sqrt(0.5);
  EXPECT_TRUE(
      torch::allclose(pair_similarities(rows), square({1, half, 0, half, 1, half, 0, half, 1}, 3)));
  EXPECT_TRUE(torch::allclose(pair_similarities(rows, rows.slice(0, 0, 1)).flatten(),
                              torch::tensor({1.0, half, 0.0}, torch::kDouble)));
}

TEST(Pairs, LabelsFollowEquationTwo) {
  const auto labels = pair_labels(square({1, 0.95, 0.7, 0.5}, 2), {.upper = 0.95, .lower = 0.5});
  EXPECT_TRUE(torch::equal(labels.similar, square({1, 1, 0, 0}, 2)));
  EXPECT_TRUE(torch::equal(labels.dissimilar, square({0, 0, 0, 1}, 2)));
  // Thresholds that have crossed do not take a pair twice.
  const auto crossed = pair_labels(square({0.5, 0.5, 0.4, 0.6}, 2), {.upper = 0.5, .lower = 0.55});
  EXPECT_TRUE(torch::equal(crossed.similar, square({1, 1, 0, 1}, 2)));
  EXPECT_TRUE(torch::equal(crossed.dissimilar, square({0, 0, 1, 0}, 2)));
}

TEST(Pairs, LossIsTheMeanCrossEntropyOfTheChosen) {
  const auto similarities = square({0.8, 0.3, 0.3, 0.9}, 2);
  const PairLabels labels{square({1, 0, 0, 0}, 2), square({0, 1, 1, 0}, 2)};
  EXPECT_NEAR(pair_loss(similarities, labels).item<double>(),
              -(std::log(0.8) + 2 * std::log(0.7)) / 3, 1e-12);
  const PairLabels none{square({0, 0, 0, 0}, 2), square({0, 0, 0, 0}, 2)};
  EXPECT_EQ(pair_loss(similarities, none).item<double>(), 0);
}

TEST(Pairs, LossIsFiniteWhereAllIsCertain) {
  const auto certain = square({1, 0, 0, 1}, 2);
  const PairLabels wrong{square({0, 1, 1, 0}, 2), square({1, 0, 0, 1}, 2)};
  EXPECT_TRUE(std::isfinite(pair_loss(certain, wrong).item<double>()));
}

TEST(Pairs, GradientAgreesWithFiniteDifferences) {
  torch::manual_seed(3);
  const auto logits = 3 * torch::randn({5, 3}, torch::kDouble);
  const auto labels =
      pair_labels(pair_similarities(logits.softmax(1)), {.upper = 0.9, .lower = 0.6});
  EXPECT_GT(labels.similar.sum().item<double>(), 5);
  EXPECT_GT(labels.dissimilar.sum().item<double>(), 0);
  // Not the images with themselves: there the cosine is at its largest, 1.
  const auto others = 1 - torch::eye(5, torch::kDouble);
  const PairLabels chosen{labels.similar * others, labels.dissimilar};
  EXPECT_LT(testing::gradient_error(
                [&](const auto& x) { return pair_loss(pair_similarities(x.softmax(1)), chosen); },
                logits),
            1e-7);
}

TEST(ContrastivePairs, LossIsThatOfHandWorkedPairs) {
  // Distances 5, 0.5 and 2; margin 1. (25 + 0.25 + 0) / 3.
  const auto first = torch::tensor({{3.0, 4.0}, {0.0, 0.5}, {2.0, 0.0}}, torch::kDouble);
  const auto second = torch::zeros({3, 2}, torch::kDouble);
  const auto must = torch::tensor({1.0, 0.0, 0.0}, torch::kDouble);
  EXPECT_NEAR(contrastive_pair_loss(first, second, must, 1).item<double>(), 25.25 / 3, 1e-6);
  // With margin 3 the last pair is 1 short: (25 + 6.25 + 1) / 3.
  EXPECT_NEAR(contrastive_pair_loss(first, second, must, 3).item<double>(), 32.25 / 3, 1e-5);
}

TEST(ContrastivePairs, SlopeIsFiniteWhereBothAreEqual) {
  auto first = torch::ones({2, 3}, torch::kDouble).requires_grad_();
  contrastive_pair_loss(first, torch::ones({2, 3}, torch::kDouble),
                        torch::tensor({1.0, 0.0}, torch::kDouble), 1)
      .backward();
  EXPECT_TRUE(first.grad().isfinite().all().item<bool>());
}

TEST(ContrastivePairs, GradientAgreesWithFiniteDifferences) {
  torch::manual_seed(4);
  const auto second = torch::randn({6, 3}, torch::kDouble);
  const auto must = torch::tensor({1.0, 0.0, 0.0, 1.0, 0.0, 0.0}, torch::kDouble);
  EXPECT_LT(testing::gradient_error(
                [&](const auto& x) { return contrastive_pair_loss(x, second, must, 2.5); },
                second + 0.7 * torch::randn({6, 3}, torch::kDouble)),
            1e-6);
}

TEST(ConstraintLoss, IsTheCrossEntropyOfBeingTogether) {
  const auto first = torch::tensor({{0.75, 0.25}, {0.9, 0.1}}, torch::kDouble);
  const auto second = torch::tensor({{0.5, 0.5}, {0.2, 0.8}}, torch::kDouble);
  const auto must = torch::tensor({1.0, 0.0}, torch::kDouble);
  // Together with probability 0.5 and 0.18 + 0.08.
  EXPECT_NEAR(constraint_loss(first.log(), second.log(), must).item<double>(),
              -(std::log(0.5) + std::log(0.74)) / 2, 1e-12);
}

TEST(ConstraintLoss, DrawsPairsThatAreSureAndWrong) {
  // In each pair the images are together with probability e^-100, or apart with about e^-100.
  const auto sure = torch::tensor({{100.0f, 0.0f}, {100.0f, 0.0f}});
  const auto other = torch::tensor({{0.0f, 100.0f}, {100.0f, 0.0f}}).log_softmax(1);
  auto logits = sure.clone().requires_grad_();
  const auto loss = constraint_loss(logits.log_softmax(1), other, torch::tensor({1.0f, 0.0f}));
  // Of the first pair log s is that of 2 e^-100, of the second log(1 - s) is.
  EXPECT_NEAR(loss.item<float>(), 100 - std::log(2.0), 1e-4);
  loss.backward();
  // Both ends have half of either way out: the slope is half of 1, by two pairs.
  EXPECT_TRUE(torch::allclose(logits.grad(), torch::tensor({{0.25f, -0.25f}, {0.25f, -0.25f}})))
      << logits.grad();
}

TEST(ConstraintLoss, GradientAgreesWithFiniteDifferences) {
  torch::manual_seed(5);
  const auto second = torch::randn({5, 3}, torch::kDouble).softmax(1);
  const auto must = torch::tensor({1.0, 0.0, 0.0, 1.0, 0.0}, torch::kDouble);
  EXPECT_LT(
      testing::gradient_error(
          [&](const auto& x) { return constraint_loss(x.log_softmax(1), second.log(), must); },
          torch::randn({5, 3}, torch::kDouble)),
      1e-6);
}

}  // namespace
}  // namespace coterie
