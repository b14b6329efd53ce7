#include "coterie/metrics/scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coterie/core/random.h"
#include "coterie/metrics/contingency.h"
#include "metrics/pattern.h"
#include "testing.h"

namespace coterie {
namespace {

using Labels = std::vector<std::int32_t>;
using testing::pattern;
using testing::user_error_of;

// 20 items; 3 and 4 do not occur among the labels.
const Labels kLabels = {0, 0, 1, 1, 2, 2, 2, 5, 5, 0, 1, 2, 5, 5, 1, 0, 2, 2, 0, 1};
const Labels kTruth = {1, 1, 0, 0, 2, 2, 0, 3, 3, 1, 0, 2, 3, 1, 0, 2, 2, 2, 1, 3};

// 1000 items in 5 classes, and labels that follow them with disturbance.
Labels classes() { return pattern(1000, 5, 1); }
Labels more_clusters() {
  const auto truth = classes(), noise = pattern(1000, 7, 2);
  Labels out(1000);
  for (int i = 0; i < 1000; ++i) out[i] = 2 * truth[i] + noise[i] % 3;
  return out;
}
Labels fewer_clusters() {
  const auto truth = classes(), noise = pattern(1000, 11, 3);
  Labels out(1000);
  for (int i = 0; i < 1000; ++i) out[i] = (truth[i] + (noise[i] == 0)) / 2;
  return out;
}

/// ACC from its definition: the best order of a square table padded with zeros.
double accuracy_by_trial(const Labels& labels, const Labels& truth) {
  const auto table = contingency_table(labels, truth);
  const std::int64_t n = std::max(table.rows(), table.cols());
  std::vector<std::int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::int64_t best = 0;
  do {
    std::int64_t right = 0;
    for (std::int64_t i = 0; i < table.rows(); ++i)
      if (order[i] < table.cols()) right += table(i, order[i]);
    best = std::max(best, right);
  } while (std::next_permutation(order.begin(), order.end()));
  return static_cast<double>(best) / static_cast<double>(labels.size());
}

TEST(Scores, AccuracyByHand) {
  // Clusters 0 -> 1 (4 of 5), 1 -> 0 (4 of 5), 2 -> 2 (5 of 6), 5 -> 3 (3 of 4): 16 of 20.
  EXPECT_DOUBLE_EQ(accuracy(kLabels, kTruth), 0.8);
  EXPECT_DOUBLE_EQ(purity(kLabels, kTruth), 0.8);
  EXPECT_EQ(best_matching(kLabels, kTruth), (Labels{1, 0, 2, -1, -1, 3}));
}

TEST(Scores, MoreClustersThanClassesByHand) {
  // Class 0 is split in two clusters: only the larger counts for ACC, both are pure.
  const Labels labels = {0, 0, 0, 1, 1, 2, 2, 2}, truth = {0, 0, 0, 0, 0, 1, 1, 1};
  EXPECT_DOUBLE_EQ(accuracy(labels, truth), 6.0 / 8);
  EXPECT_DOUBLE_EQ(purity(labels, truth), 1.0);
  EXPECT_EQ(best_matching(labels, truth), (Labels{0, -1, 1}));
}

TEST(Scores, FewerClustersThanClassesByHand) {
  const Labels labels = {0, 0, 0, 0, 1, 1}, truth = {0, 0, 0, 1, 2, 2};
  EXPECT_DOUBLE_EQ(accuracy(labels, truth), 5.0 / 6);
  EXPECT_EQ(best_matching(labels, truth), (Labels{0, 2}));
  EXPECT_DOUBLE_EQ(accuracy(truth, labels), 5.0 / 6);
}

TEST(Scores, AClusterIsNotMatchedToAClassItNeverMeets) {
  // Class 1 is left for cluster 1, which holds none of it.
  EXPECT_EQ(best_matching(Labels{0, 0, 0, 1, 0}, Labels{0, 0, 0, 0, 1}), (Labels{0, -1}));
}

TEST(Scores, CollapseIntoOneClusterShows) {
  const Labels labels(10, 0), truth = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4};
  const Scores scores = score(labels, truth, 5);
  EXPECT_DOUBLE_EQ(scores.acc, 0.2);
  EXPECT_DOUBLE_EQ(scores.nmi, 0.0);
  EXPECT_DOUBLE_EQ(scores.ari, 0.0);
  EXPECT_EQ(scores.cluster_sizes, (std::vector<std::int64_t>{10, 0, 0, 0, 0}));
}

TEST(Scores, AccuracyEqualsTrialOfAllMatchings) {
  RandomStream random(1, "accuracy");
  for (int round = 0; round < 600; ++round) {
    const auto k = 1 + random.below(6), c = 1 + random.below(6);
    Labels labels, truth;
    for (int i = 0; i < 25; ++i) {
      labels.push_back(static_cast<std::int32_t>(random.below(k)));
      truth.push_back(static_cast<std::int32_t>(random.below(c)));
    }
    ASSERT_DOUBLE_EQ(accuracy(labels, truth), accuracy_by_trial(labels, truth)) << round;
  }
}

TEST(Scores, MatchingExplainsTheAccuracy) {
  RandomStream random(2, "matching");
  for (int round = 0; round < 200; ++round) {
    Labels labels, truth;
    for (int i = 0; i < 40; ++i) {
      labels.push_back(static_cast<std::int32_t>(random.below(7)));
      truth.push_back(static_cast<std::int32_t>(random.below(5)));
    }
    const auto matching = best_matching(labels, truth);
    int right = 0;
    for (int i = 0; i < 40; ++i) right += matching[labels[i]] == truth[i];
    ASSERT_DOUBLE_EQ(accuracy(labels, truth), right / 40.0);
  }
}

// The values of the next three tests are scikit-learn 1.2.1's, printed with %.17g:
// adjusted_rand_score, normalized_mutual_info_score with average_method "arithmetic" and
// "geometric"; ACC from scipy's linear_sum_assignment on the padded contingency_matrix, purity
// from its row maxima.
TEST(Scores, EqualScikitLearnWithGaps) {
  EXPECT_NEAR(adjusted_rand_index(kLabels, kTruth), 0.50237354722540517, 1e-14);
  EXPECT_NEAR(normalized_mutual_information(kLabels, kTruth), 0.6382597155285693, 1e-14);
}

TEST(Scores, EqualScikitLearnWithMoreClusters) {
  const auto labels = more_clusters(), truth = classes();
  EXPECT_NEAR(accuracy(labels, truth), 0.438, 1e-14);
  EXPECT_NEAR(purity(labels, truth), 0.777, 1e-14);
  EXPECT_NEAR(adjusted_rand_index(labels, truth), 0.36077138605286896, 1e-14);
  EXPECT_NEAR(normalized_mutual_information(labels, truth), 0.62727280906715133, 1e-14);
  EXPECT_NEAR(normalized_mutual_information(labels, truth, NmiMean::geometric), 0.63720584533305391,
              1e-14);
}

TEST(Scores, EqualScikitLearnWithFewerClusters) {
  const auto labels = fewer_clusters(), truth = classes();
  EXPECT_NEAR(accuracy(labels, truth), 0.608, 1e-14);
  EXPECT_NEAR(purity(labels, truth), 0.608, 1e-14);
  EXPECT_NEAR(adjusted_rand_index(labels, truth), 0.57960333755785642, 1e-14);
  EXPECT_NEAR(normalized_mutual_information(labels, truth), 0.72029310729627494, 1e-14);
  EXPECT_NEAR(normalized_mutual_information(labels, truth, NmiMean::geometric), 0.73525395435012342,
              1e-14);
  const auto unrelated = pattern(1000, 4, 9);
  EXPECT_NEAR(adjusted_rand_index(unrelated, truth), -8.2206300734601845e-05, 1e-15);
  EXPECT_NEAR(normalized_mutual_information(unrelated, truth), 0.0040036684413971577, 1e-14);
}

TEST(Scores, WorstAdjustedRandIndexByHand) {
  // Of 4 items every pair that one side joins, the other parts: Hubert and Arabie's -1/2.
  EXPECT_DOUBLE_EQ(adjusted_rand_index(Labels{0, 0, 1, 1}, Labels{0, 1, 0, 1}), -0.5);
  EXPECT_NEAR(normalized_mutual_information(Labels{0, 0, 1, 1}, Labels{0, 1, 0, 1}), 0.0, 1e-15);
}

TEST(Scores, MutualInformationByHand) {
  // H(a) = ln 2 and H(b) = 1.5 ln 2, and a follows from b: NMI = 1 / 1.25 and 1 / sqrt(1.5).
  const Labels a = {0, 0, 1, 1}, b = {0, 0, 1, 2};
  EXPECT_NEAR(normalized_mutual_information(a, b), 0.8, 1e-15);
  EXPECT_NEAR(normalized_mutual_information(a, b, NmiMean::geometric), 1 / std::sqrt(1.5), 1e-15);
}

TEST(Scores, DegenerateGroupingsAsScikitLearnHasThem) {
  const Labels one = {4, 4, 4}, three = {0, 1, 2};
  for (const auto mean : {NmiMean::arithmetic, NmiMean::geometric}) {
    EXPECT_EQ(normalized_mutual_information(one, one, mean), 1.0);
    EXPECT_EQ(normalized_mutual_information(one, three, mean), 0.0);
    EXPECT_EQ(normalized_mutual_information(three, one, mean), 0.0);
    EXPECT_EQ(normalized_mutual_information(three, three, mean), 1.0);
  }
  EXPECT_EQ(adjusted_rand_index(one, one), 1.0);
  EXPECT_EQ(adjusted_rand_index(one, three), 0.0);
  EXPECT_EQ(adjusted_rand_index(three, one), 0.0);
  EXPECT_EQ(adjusted_rand_index(three, three), 1.0);
  EXPECT_EQ(adjusted_rand_index(Labels{0}, Labels{3}), 1.0);
  EXPECT_EQ(accuracy(Labels{0}, Labels{3}), 1.0);
}

TEST(Scores, NumberingDoesNotMatter) {
  const auto labels = more_clusters(), truth = classes();
  Labels renamed = labels;
  for (auto& label : renamed) label = 2147483647 - 1000 * label;
  EXPECT_DOUBLE_EQ(accuracy(renamed, truth), accuracy(labels, truth));
  EXPECT_DOUBLE_EQ(purity(renamed, truth), purity(labels, truth));
  EXPECT_DOUBLE_EQ(adjusted_rand_index(renamed, truth), adjusted_rand_index(labels, truth));
  EXPECT_NEAR(normalized_mutual_information(renamed, truth),
              normalized_mutual_information(labels, truth), 1e-14);
  EXPECT_CONTAINS(user_error_of([&] { best_matching(renamed, truth); }), "too large");
}

TEST(Scores, TenMillionItemsDoNotOverflow) {
  // Values from scikit-learn 1.2.1 on the same labels.
  const std::int64_t n = 10'000'000;
  Labels labels(n), truth(n);
  for (std::int64_t i = 0; i < n; ++i) {
    truth[i] = static_cast<std::int32_t>(i % 10);
    labels[i] = i % 3 == 0 ? static_cast<std::int32_t>(i / 7 % 10) : truth[i];
  }
  const Scores scores = score(labels, truth, 10);
  EXPECT_NEAR(scores.acc, 0.7047619, 1e-14);
  EXPECT_NEAR(scores.purity, 0.7047619, 1e-14);
  EXPECT_NEAR(scores.ari, 0.45678962045835819, 1e-13);
  EXPECT_NEAR(scores.nmi, 0.50264991712491902, 1e-13);
  EXPECT_EQ(scores.n, n);
}

TEST(Scores, ConfusionPutsRightItemsOnTheDiagonal) {
  const auto confusion = confusion_matrix(kLabels, kTruth);
  EXPECT_EQ(confusion.clusters, (Labels{1, 0, 2, 5}));
  EXPECT_EQ(confusion.columns, (Labels{0, 1, 2, 3}));
  const std::int64_t expected[4][4] = {{4, 0, 1, 0}, {0, 4, 0, 1}, {0, 1, 5, 0}, {1, 0, 0, 3}};
  for (int c = 0; c < 4; ++c)
    for (int j = 0; j < 4; ++j) EXPECT_EQ(confusion.counts(c, j), expected[c][j]) << c << ',' << j;
}

TEST(Scores, ConfusionWithLeftoverClusters) {
  // Cluster 0 is the smaller half of class 1, cluster 2 is empty.
  const auto confusion = confusion_matrix(Labels{0, 1, 1, 3, 3}, Labels{1, 1, 1, 0, 0});
  EXPECT_EQ(confusion.clusters, (Labels{3, 1, 0}));
  const std::int64_t expected[2][3] = {{2, 0, 0}, {0, 2, 1}};
  for (int c = 0; c < 2; ++c)
    for (int j = 0; j < 3; ++j) EXPECT_EQ(confusion.counts(c, j), expected[c][j]) << c << ',' << j;
}

TEST(Scores, ConfusionOfLabelsWithWideGaps) {
  const auto confusion = confusion_matrix(Labels{0, 70000, 70000}, Labels{0, 1000, 1000});
  EXPECT_EQ(confusion.clusters, (Labels{0, 70000}));
  EXPECT_EQ(confusion.counts.rows(), 1001);
  EXPECT_EQ(confusion.right(0), 1);
  EXPECT_EQ(confusion.right(1000), 2);
  EXPECT_EQ(confusion.right(1), 0);
}

TEST(Scores, ConfusionWithFewerClustersThanClasses) {
  const auto confusion = confusion_matrix(Labels{0, 0, 0, 1, 1}, Labels{0, 0, 1, 2, 2});
  EXPECT_EQ(confusion.clusters, (Labels{0, 1}));
  EXPECT_EQ(confusion.columns, (Labels{0, -1, 1}));
  const std::int64_t expected[3][2] = {{2, 0}, {1, 0}, {0, 2}};
  const std::int64_t right[3] = {2, 0, 2};
  const std::int32_t cluster[3] = {0, -1, 1};
  for (int c = 0; c < 3; ++c) {
    for (int j = 0; j < 2; ++j) EXPECT_EQ(confusion.counts(c, j), expected[c][j]) << c << ',' << j;
    EXPECT_EQ(confusion.right(c), right[c]) << c;
    EXPECT_EQ(confusion.cluster_of(c), cluster[c]) << c;
  }
}

TEST(Scores, ConfusionIsNotQuadraticInTheClasses) {
  Labels labels, truth;
  for (std::int32_t i = 0; i < 300'000; ++i) {
    labels.push_back(i % 3);
    truth.push_back(i);
  }
  const auto confusion = confusion_matrix(labels, truth);
  EXPECT_EQ(confusion.counts.rows(), 300'000);
  EXPECT_EQ(confusion.counts.cols(), 3);
  EXPECT_EQ(std::ranges::count_if(confusion.columns, [](auto c) { return c >= 0; }), 3);
}

TEST(Scores, TogetherEqualEachAlone) {
  const auto labels = more_clusters(), truth = classes();
  const Scores scores = score(labels, truth, 12);
  EXPECT_EQ(scores.acc, accuracy(labels, truth));
  EXPECT_EQ(scores.nmi, normalized_mutual_information(labels, truth));
  EXPECT_EQ(scores.ari, adjusted_rand_index(labels, truth));
  EXPECT_EQ(scores.purity, purity(labels, truth));
  EXPECT_EQ(scores.n, 1000);
  EXPECT_EQ(scores.k, 12);
  EXPECT_EQ(scores.cluster_sizes,
            (std::vector<std::int64_t>{83, 62, 141, 45, 152, 55, 131, 56, 154, 64, 57, 0}));
}

TEST(Scores, BadLabelsAreNamed) {
  EXPECT_CONTAINS(user_error_of([] {
                    score(Labels{0, 3}, Labels{0, 1}, 3);
                  }),
                  "label 3 is out of range: with 3 clusters, labels are 0 to 2");
  EXPECT_CONTAINS(user_error_of([] { accuracy(Labels{0}, Labels{0, 1}); }), "1 and 2");
  EXPECT_CONTAINS(user_error_of([] { purity(Labels{0, -1}, Labels{0, 1}); }), "negative");
  EXPECT_CONTAINS(user_error_of([] { adjusted_rand_index({}, {}); }), "no labels");
  EXPECT_CONTAINS(user_error_of([] { confusion_matrix(Labels{0}, Labels{0, 1}); }), "1 and 2");
}

}  // namespace
}  // namespace coterie
