#include "coterie/loss/distributions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "coterie/loss/contrastive.h"
#include "coterie/loss/running_aggregate.h"
#include "loss/gradients.h"

namespace coterie {
namespace {

TEST(StudentT, HandWorked) {
  // Squared distances 0 and 3: with alpha 1, 1 and 1/4; with alpha 3, 1 and (1 + 1)^-2 = 1/4.
  const auto codes = torch::tensor({{1.0, 2.0}}, torch::kDouble);
  const auto centres = torch::tensor({{1.0, 2.0}, {1.0, 2.0 + std::sqrt(3.0)}}, torch::kDouble);
  for (const double alpha : {1.0, 3.0}) {
    const auto q = student_t_assignment(codes, centres, alpha);
    EXPECT_NEAR(q[0][0].item<double>(), 0.8, 1e-12) << alpha;
    EXPECT_NEAR(q[0][1].item<double>(), 0.2, 1e-12) << alpha;
  }
}

TEST(TargetDistribution, HandWorked) {
  const auto q = torch::tensor({{0.8, 0.2}, {0.4, 0.6}}, torch::kDouble);
  // Column sums 1.2 and 0.8: (.64/1.2, .04/.8) and (.16/1.2, .36/.8).
  const double a = 0.64 / 1.2, b = 0.05, c = 0.16 / 1.2, d = 0.45;
  const auto p = target_distribution(q);
  EXPECT_NEAR(p[0][0].item<double>(), a / (a + b), 1e-12);
  EXPECT_NEAR(p[1][1].item<double>(), d / (c + d), 1e-12);
  EXPECT_TRUE(torch::allclose(p.sum(1), torch::ones({2}, torch::kDouble)));
}

TEST(KlDivergence, HandWorked) {
  const auto p = torch::tensor({{1.0, 0.0}, {0.5, 0.5}}, torch::kDouble);
  const auto q = torch::tensor({{0.5, 0.5}, {0.5, 0.5}}, torch::kDouble);
  EXPECT_NEAR(kl_divergence(p, q.log()).item<double>(), std::log(2.0) / 2, 1e-12);
  EXPECT_NEAR(kl_divergence(p, p.clamp_min(1e-300).log()).item<double>(), 0, 1e-12);
}

TEST(KlDivergence, DrawsHoweverSureTheAssignmentIsOfSomethingElse) {
  auto logits = torch::tensor({{100.0f, 0.0f}}).requires_grad_();
  kl_divergence(torch::tensor({{0.0f, 1.0f}}), logits.log_softmax(1)).backward();
  // Of softmax cross-entropy the slope is p - target.
  EXPECT_TRUE(torch::allclose(logits.grad(), torch::tensor({{1.0f, -1.0f}})));
}

TEST(NormalDivergence, HandWorked) {
  const auto mean = torch::tensor({{1.0, 0.0}}, torch::kDouble);
  const auto log_variance = torch::tensor({{0.0, std::log(4.0)}}, torch::kDouble);
  EXPECT_NEAR(normal_divergence(mean, log_variance).item<double>(),
              0.5 + 0.5 * (4 - 1 - std::log(4.0)), 1e-12);
}

TEST(AggregatedTarget, HandWorked) {
  // Directions 0, 0 and 90 degrees: d is 0 between the first two, 1 to the third.
  const auto features = torch::tensor({{1.0, 0.0}, {2.0, 0.0}, {0.0, 5.0}}, torch::kDouble);
  const auto p = torch::tensor({{0.9, 0.1}, {0.6, 0.4}, {0.2, 0.8}}, torch::kDouble);
  const auto q = aggregated_target(features, p, /*m=*/2);  // power -1
  // Scores of the first two: (.2, .8), of the third: (1.5, .5).
  EXPECT_NEAR(q[0][0].item<double>(), 0.8, 1e-12);
  EXPECT_NEAR(q[1][0].item<double>(), 0.8, 1e-12);
  EXPECT_NEAR(q[2][0].item<double>(), 0.25, 1e-12);
  // By the sizes of the others: the first (.2 / .8, .8 / 1.2), the third (1.5 / 1.5, .5 / .5).
  const auto means = aggregated_target(features, p, 2, AggregatedScores::means);
  EXPECT_NEAR(means[0][0].item<double>(), 4 / (4 + 1.5), 1e-12);
  EXPECT_NEAR(means[2][0].item<double>(), 0.5, 1e-12);
  // With power -2 of the means, divided by the clusters' sizes, 1.7 and 1.3.
  const auto balanced = aggregated_target(features, p, 1.5, AggregatedScores::balanced);
  EXPECT_NEAR(balanced[0][0].item<double>(), 16 / 1.7 / (16 / 1.7 + 2.25 / 1.3), 1e-12);
  EXPECT_NEAR(balanced[2][0].item<double>(), 1.3 / (1.3 + 1.7), 1e-12);
  const auto sharp = aggregated_target(features, p, /*m=*/1.03);
  EXPECT_GT(sharp[0][0].item<double>(), 1 - 1e-12);
  EXPECT_FALSE(aggregated_target(features, p.clone().set_requires_grad(true), 2).requires_grad());
}

constexpr AggregatedScores kAllScores[] = {AggregatedScores::sums, AggregatedScores::means,
                                           AggregatedScores::balanced};

/// aggregated_target by its definition, pair by pair in double.
torch::Tensor target_by_pairs(const torch::Tensor& features, const torch::Tensor& probabilities,
                              double m, AggregatedScores kind) {
  const auto x = features.to(torch::kDouble), p = probabilities.to(torch::kDouble);
  std::vector<torch::Tensor> rows;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    auto scores = torch::zeros({p.size(1)}, torch::kDouble), others = scores.clone();
    for (std::int64_t j = 0; j < x.size(0); ++j) {
      if (j == i) continue;
      const double norms = (x[i].norm() * x[j].norm()).item<double>();
      const double cosine = norms > 0 ? (x[i] * x[j]).sum().item<double>() / norms : 0;
      scores += (1 - cosine) * p[j];
      others += p[j];
    }
    auto powers = (kind == AggregatedScores::sums ? scores : scores / others).pow(-1 / (m - 1));
    if (kind == AggregatedScores::balanced) powers = powers / p.sum(0).clamp_min(1);
    rows.push_back(powers / powers.sum());
  }
  return torch::stack(rows);
}

TEST(AggregatedTarget, EqualsItsDefinitionByPairs) {
  torch::manual_seed(2);
  const auto features = torch::randn({7, 3});
  features[4].zero_();  // at distance 1 from all others
  const auto p = torch::randn({7, 4}).softmax(1);
  for (const auto kind : kAllScores) {
    // Of float as of double: what is computed is in double.
    const auto exact = target_by_pairs(features, p, 1.4, kind);
    EXPECT_TRUE(torch::allclose(
        aggregated_target(features.to(torch::kDouble), p.to(torch::kDouble), 1.4, kind), exact,
        1e-10, 1e-12));
    EXPECT_TRUE(torch::allclose(aggregated_target(features, p, 1.4, kind).to(torch::kDouble), exact,
                                1e-6, 1e-12));
  }
}

TEST(AggregatedTarget, ManyClustersOfFeaturesWithoutGroupsKeepNoImageByItself) {
  // Two or three images a cluster, no two images alike: where they are now says nothing.
  torch::manual_seed(5);
  const auto features = torch::randn({256, 64});
  const auto labels = torch::randint(100, {256}, torch::kLong);
  const auto p = torch::one_hot(labels, 100).to(torch::kFloat);
  for (const auto kind : kAllScores) {
    const auto stays = aggregated_target(features, p, 1.03, kind).argmax(1).eq(labels);
    EXPECT_LT(stays.to(torch::kFloat).mean().item<double>(), 0.05);
  }
}

TEST(AggregatedTarget, IsSoundWhereAllFeaturesAreEqual) {
  const auto q = aggregated_target(torch::ones({4, 3}), torch::full({4, 2}, 0.5), 1.03);
  EXPECT_TRUE(torch::allclose(q, torch::full({4, 2}, 0.5)));
}

TEST(AggregatedTarget, OfFeaturesWithoutGroupsSumsFollowSizesAlone) {
  // Rows at 90 degrees to each other, a cluster a fifth larger than the other: all distances are 1,
  // so that nothing but the sizes can tell the clusters apart.
  const auto features = torch::eye(44, torch::kDouble);
  const auto p = torch::cat({torch::tensor({{1.0, 0.0}}).repeat({24, 1}),
                             torch::tensor({{0.0, 1.0}}).repeat({20, 1})})
                     .to(torch::kDouble);
  const auto share = [&](AggregatedScores kind) {  // of the larger cluster, in the mean target
    return aggregated_target(features, p, 1.03, kind).mean(0)[0].item<double>();
  };
  EXPECT_LT(share(AggregatedScores::sums), 0.02);  // all images would go to the smaller one
  EXPECT_NEAR(share(AggregatedScores::means), 24.0 / 44, 0.1);
  EXPECT_NEAR(share(AggregatedScores::balanced), 0.5, 0.1);
}

TEST(AggregatedTarget, AClusterThatABatchHasNoImageOfDoesNotDrawAllOfThem) {
  // 32 images of 16 clusters, each certain, where features say nothing; a 17th has none.
  const auto features = torch::eye(32);
  const auto p = torch::cat({torch::eye(16), torch::zeros({16, 1})}, 1).repeat({2, 1});
  const auto target = aggregated_target(features, p, 1.03, AggregatedScores::balanced);
  EXPECT_LT(target.select(1, 16).max().item<double>(), 3.0 / 17);
}

TEST(RunningAggregate, OfOneBatchIsTheBatchsTarget) {
  torch::manual_seed(3);
  const auto features = torch::randn({8, 5}, torch::kDouble);
  const auto p = torch::randn({8, 3}, torch::kDouble).softmax(1);
  for (const auto kind : kAllScores) {
    RunningAggregate aggregate(5, 3, {.batches = 1, .largest = 9});
    aggregate.next(torch::randn({9, 5}), torch::ones({9, 3}) / 3, torch::arange(20, 29), 1.5,
                   kind);  // forgotten
    EXPECT_TRUE(torch::allclose(aggregate.next(features, p, torch::arange(8), 1.5, kind),
                                aggregated_target(features, p, 1.5, kind), 1e-5, 1e-7));
  }
}

TEST(RunningAggregate, OfPartsIsThatOfTheWhole) {
  torch::manual_seed(4);
  const auto features = torch::randn({12, 5}, torch::kDouble);
  const auto p = torch::randn({12, 3}, torch::kDouble).softmax(1);
  features[9].zero_();
  for (const auto kind : kAllScores) {
    RunningAggregate aggregate(5, 3, {.batches = 3, .largest = 4});
    torch::Tensor last;
    const auto begin_again = [&](const torch::Tensor& rows, std::int64_t begin) {
      last = aggregate.next(rows.narrow(0, begin, 4), p.narrow(0, begin, 4),
                            torch::arange(begin, begin + 4), 1.5, kind);
    };
    begin_again(torch::randn({12, 5}), 4);  // gives way to what comes of the same images later
    for (const std::int64_t begin : {0, 4, 8}) begin_again(features, begin);
    EXPECT_TRUE(
        torch::allclose(last, target_by_pairs(features, p, 1.5, kind).narrow(0, 8, 4), 1e-5, 1e-7));
  }
}

TEST(RunningAggregate, AnImageHasNoSayInItsOwnTargetHoweverOftenItCame) {
  // Rows at 90 degrees to each other, each certain of one of five clusters, epoch after epoch: to
  // all other images all clusters are alike.
  const std::int64_t images = 40, clusters = 5;
  const auto features = torch::eye(images);
  const auto p = torch::eye(clusters).repeat({images / clusters, 1});
  for (const auto kind : {AggregatedScores::means, AggregatedScores::balanced}) {
    RunningAggregate aggregate(images, clusters, {.batches = 4, .largest = 10});
    torch::Tensor target;
    for (std::int64_t step = 0; step < 12; ++step) {
      // Another order in each epoch, so that some come again while the window has them.
      const std::int64_t stride = step < 4 ? 1 : step < 8 ? 3 : 7;
      const auto batch = (torch::arange(10) + 10 * (step % 4)) * stride % images;
      target = aggregate.next(features.index_select(0, batch), p.index_select(0, batch), batch,
                              1.03, kind);
      if (step < 4) continue;
      const auto own = (target * p.index_select(0, batch)).sum(1);
      EXPECT_LT(own.max().item<double>(), kind == AggregatedScores::means ? 0.21 : 0.3);
    }
  }
}

TEST(AggregatedDistance, EqualsItsDefinitionByPairs) {
  torch::manual_seed(3);
  const auto features = torch::randn({6, 3}, torch::kDouble);
  const auto p = torch::randn({6, 4}, torch::kDouble).softmax(1);
  double sum = 0;
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) {
      const double norms = (features[i].norm() * features[j].norm()).item<double>();
      const double cosine = (features[i] * features[j]).sum().item<double>() / norms;
      sum += (p[i] * p[j]).sum().item<double>() * (1 - cosine);
    }
  const AssignedRows all{features, p};
  EXPECT_NEAR(aggregated_distance(all, all).item<double>(), 4.0 / 36 * sum, 1e-12);
  double parts = 0;
  for (const std::int64_t begin : {0, 2, 4})
    parts += aggregated_distance({features.narrow(0, begin, 2), p.narrow(0, begin, 2)}, all)
                 .item<double>();
  EXPECT_NEAR(parts / 3, 4.0 / 36 * sum, 1e-12);
}

TEST(AggregatedDistance, HandWorked) {
  // Two pairs of opposite directions, at distance 2. Pairs apart: no distance within a cluster, but
  // with each pair as a cluster a mean of (0 + 2) / 2.
  const auto features =
      torch::tensor({{1.0, 0.0}, {-1.0, 0.0}, {1.0, 0.0}, {-1.0, 0.0}}, torch::kDouble);
  const auto by_direction =
      torch::tensor({{1.0, 0.0}, {0.0, 1.0}, {1.0, 0.0}, {0.0, 1.0}}, torch::kDouble);
  const auto by_pair =
      torch::tensor({{1.0, 0.0}, {1.0, 0.0}, {0.0, 1.0}, {0.0, 1.0}}, torch::kDouble);
  EXPECT_NEAR(
      aggregated_distance({features, by_direction}, {features, by_direction}).item<double>(), 0,
      1e-12);
  EXPECT_NEAR(aggregated_distance({features, by_pair}, {features, by_pair}).item<double>(), 1,
              1e-12);
}

TEST(AggregatedDistance, GradientByDifferencesThroughProbabilitiesAlone) {
  torch::manual_seed(6);
  const auto features = torch::randn({5, 3}, torch::kDouble).set_requires_grad(true);
  const auto logits = torch::randn({5, 2}, torch::kDouble);
  EXPECT_LT(testing::gradient_error(
                [&](const auto& x) {
                  const AssignedRows rows{features, x.softmax(1)};
                  return aggregated_distance(rows, rows);
                },
                logits),
            1e-8);
  EXPECT_FALSE(features.grad().defined());
}

/// Rows near three directions, 40, 25 and 10 of them, in double.
struct ThreeDirections {
  ThreeDirections() {
    torch::manual_seed(8);
    std::vector<torch::Tensor> parts;
    const std::array sizes = {40, 25, 10};
    for (int k = 0; k < 3; ++k) {
      parts.push_back(torch::eye(6, torch::kDouble)[k] +
                      0.15 * torch::randn({sizes[k], 6}, torch::kDouble));
      truth.insert(truth.end(), static_cast<std::size_t>(sizes[k]), k);
    }
    rows = torch::cat(parts);
  }
  torch::Tensor rows;
  std::vector<int> truth;
};

/// Probabilities from a linear softmax head that online probability aggregation trains.
torch::Tensor aggregated_online(const torch::Tensor& rows, double balance) {
  torch::manual_seed(1);
  auto weights = (0.1 * torch::randn({rows.size(1), 3}, torch::kDouble)).set_requires_grad(true);
  torch::optim::Adam adam({weights}, torch::optim::AdamOptions(0.02));
  for (int step = 0; step < 400; ++step) {
    const auto p = rows.mm(weights).softmax(1);
    const auto loss =
        kl_divergence(aggregated_target(rows, p, 1.03), p.log()) + balance * imbalance(p);
    adam.zero_grad();
    loss.backward();
    adam.step();
  }
  return rows.mm(weights).softmax(1).detach();
}

/// How many rows have the commonest truth of their cluster.
int rows_in_place(const torch::Tensor& probabilities, const std::vector<int>& truth) {
  std::array<std::array<int, 3>, 3> counts{};
  const auto labels = probabilities.argmax(1);
  for (std::size_t i = 0; i < truth.size(); ++i)
    ++counts[labels[static_cast<std::int64_t>(i)].item<std::int64_t>()][truth[i]];
  int sum = 0;
  for (const auto& cluster : counts) sum += *std::ranges::max_element(cluster);
  return sum;
}

TEST(AggregatedTarget, OnlineItFindsSeparableClustersOfUnequalSizes) {
  const ThreeDirections data;
  const auto p = aggregated_online(data.rows, 0);
  EXPECT_EQ(rows_in_place(p, data.truth), 75);
  EXPECT_GT(std::get<0>(p.max(1)).mean().item<double>(), 0.95);
}

TEST(AggregatedTarget, BalancedItTearsClustersOfUnequalSizesApart) {
  const ThreeDirections data;
  const auto p = aggregated_online(data.rows, 100);
  EXPECT_LT(imbalance(p).item<double>(), 1e-3);
  EXPECT_LT(rows_in_place(p, data.truth), 75);
  EXPECT_LT(std::get<0>(p.max(1)).mean().item<double>(), 0.85);
}

TEST(Distributions, GradientsAgreeWithFiniteDifferences) {
  torch::manual_seed(4);
  const auto codes = torch::randn({6, 3}, torch::kDouble);
  const auto centres = torch::randn({2, 3}, torch::kDouble);
  const auto target = target_distribution(student_t_assignment(codes, centres));
  EXPECT_LT(testing::gradient_error(
                [&](const auto& x) {
                  return kl_divergence(target, student_t_log_assignment(x, centres));
                },
                codes),
            1e-8);
  EXPECT_LT(
      testing::gradient_error(
          [&](const auto& x) { return kl_divergence(target, student_t_log_assignment(codes, x)); },
          centres),
      1e-8);
  EXPECT_LT(
      testing::gradient_error([&](const auto& x) { return normal_divergence(x, 0.3 * x); }, codes),
      1e-7);
}

}  // namespace
}  // namespace coterie
