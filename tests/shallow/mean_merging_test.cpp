#include "coterie/shallow/mean_merging.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coterie/core/random.h"
#include "testing.h"

namespace coterie {
namespace {

using Labels = std::vector<std::int32_t>;

TEST(MeansOfLabels, ByHand) {
  Matrix<float> x(4, 2);
  for (std::int64_t i = 0; i < 8; ++i) x.data()[i] = static_cast<float>(i);
  const Matrix<float> means = means_of_labels(x, {1, 0, 1, 1}, 2);
  EXPECT_EQ(means(0, 0), 2);
  EXPECT_EQ(means(0, 1), 3);
  EXPECT_FLOAT_EQ(means(1, 0), (0 + 4 + 6) / 3.0f);
  EXPECT_FLOAT_EQ(means(1, 1), (1 + 5 + 7) / 3.0f);
}

TEST(MergeMeans, SizesMoveTheMean) {
  // 0 (9 rows), 2 (1 row), 3.5 (1 row), 8: 2 and 3.5 merge to 2.75, then 0 and 2.75 (7.6) before 8.
  Matrix<float> means(4, 1);
  means(1, 0) = 2;
  means(2, 0) = 3.5;
  means(3, 0) = 8;
  EXPECT_EQ(merge_means(means, {9, 1, 1, 1}, 3, MergeCost::centroid), (Labels{0, 1, 1, 2}));
  EXPECT_EQ(merge_means(means, {9, 1, 1, 1}, 2, MergeCost::centroid), (Labels{0, 0, 0, 1}));
  // Where 3.5 is heavy, Ward's cost joins 0 and 2 instead: 1/2 * 4 against 100/101 * 2.25.
  EXPECT_EQ(merge_means(means, {1, 1, 100, 100}, 3, MergeCost::ward), (Labels{0, 0, 1, 2}));
  EXPECT_EQ(merge_means(means, {1, 1, 1, 1}, 4, MergeCost::ward), (Labels{0, 1, 2, 3}));
}

/// Every pair looked at before every merge.
Labels plain_merging(Matrix<float> means, std::vector<double> sizes, std::int64_t target,
                     bool ward) {
  std::vector<std::int64_t> into(sizes.size());
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = static_cast<std::int64_t>(i);
  for (std::int64_t left = means.rows(); left > target; --left) {
    double least = 1e300;
    std::int64_t a = 0, b = 0;
    for (std::int64_t i = 0; i < means.rows(); ++i)
      for (std::int64_t j = i + 1; j < means.rows(); ++j) {
        if (into[i] != i || into[j] != j) continue;
        double cost = 0;
        for (std::int64_t d = 0; d < means.cols(); ++d)
          cost += std::pow(static_cast<double>(means(i, d)) - means(j, d), 2);
        if (ward) cost *= sizes[i] * sizes[j] / (sizes[i] + sizes[j]);
        if (cost < least) least = cost, a = i, b = j;
      }
    for (std::int64_t d = 0; d < means.cols(); ++d)
      means(a, d) = static_cast<float>((sizes[a] * means(a, d) + sizes[b] * means(b, d)) /
                                       (sizes[a] + sizes[b]));
    sizes[a] += sizes[b];
    for (auto& owner : into)
      if (owner == b) owner = a;
  }
  Labels labels;
  std::vector<std::int64_t> seen;
  for (const std::int64_t owner : into) {
    const auto known = std::find(seen.begin(), seen.end(), owner);
    labels.push_back(static_cast<std::int32_t>(known - seen.begin()));
    if (known == seen.end()) seen.push_back(owner);
  }
  return labels;
}

TEST(MergeMeans, AgreesWithAPlainProgram) {
  RandomStream random(5, "means");
  Matrix<float> means(80, 3);
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = 0; i < means.size(); ++i)
    means.data()[i] = static_cast<float>(random.normal());
  for (int i = 0; i < 80; ++i) sizes.push_back(1 + static_cast<std::int64_t>(random.below(30)));
  for (const std::int64_t target : {60, 20, 5, 1}) {
    const std::vector<double> plain_sizes(sizes.begin(), sizes.end());
    EXPECT_EQ(merge_means(means, sizes, target, MergeCost::centroid),
              plain_merging(means, plain_sizes, target, false));
    EXPECT_EQ(merge_means(means, sizes, target, MergeCost::ward),
              plain_merging(means, plain_sizes, target, true));
  }
}

}  // namespace
}  // namespace coterie
