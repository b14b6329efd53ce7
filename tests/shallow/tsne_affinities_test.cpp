#include "coterie/shallow/tsne_affinities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

double perplexity_of(const float* shares, std::int64_t count) {
  double entropy = 0;
  for (std::int64_t j = 0; j < count; ++j)
    if (shares[j] > 0) entropy -= shares[j] * std::log(static_cast<double>(shares[j]));
  return std::exp(entropy);
}

TEST(ConditionalAffinities, HaveTheAskedPerplexity) {
  // Of all sizes; the last far away, where the differences between the squares count and not they.
  const std::vector<float> rows = {0,    1e-6f, 2e-6f, 5e-6f, 9e-6f, 1.0f, 2.0f, 3.0f, 5.0f, 8.0f,
                                   1e7f, 2e7f,  2e7f,  3e7f,  9e7f,  1000, 1001, 1002, 1004, 1008};
  for (const double perplexity : {1.3, 2.0, 3.7}) {
    const Matrix<float> shares = conditional_affinities({rows.data(), 4, 5}, perplexity);
    for (std::int64_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(perplexity_of(shares.row(i), 5), perplexity, 1e-4 * perplexity) << "row " << i;
      double sum = 0;
      for (std::int64_t j = 0; j < 5; ++j) sum += shares(i, j);
      EXPECT_NEAR(sum, 1, 1e-6);
      for (std::int64_t j = 1; j < 5; ++j) EXPECT_LE(shares(i, j), shares(i, j - 1));
    }
  }
}

TEST(ConditionalAffinities, ByHand) {
  // Squares 0, 1, 2: shares 1, t, t^2 over their sum. With t = 1/2, 4/7, 2/7 and 1/7: the entropy
  // is log 7 - (10/7) log 2.
  const float squares[3] = {5, 6, 7};
  const double perplexity = 7 * std::pow(2.0, -10.0 / 7);
  const Matrix<float> shares = conditional_affinities({squares, 1, 3}, perplexity);
  EXPECT_NEAR(shares(0, 0), 4.0 / 7, 1e-4);
  EXPECT_NEAR(shares(0, 1), 2.0 / 7, 1e-4);
  EXPECT_NEAR(shares(0, 2), 1.0 / 7, 1e-4);
}

TEST(ConditionalAffinities, OfTiesAreEqual) {
  const float squares[8] = {4, 4, 4, 4, 0, 0, 0, 9};
  const Matrix<float> shares = conditional_affinities({squares, 2, 4}, 2);
  for (int j = 0; j < 4; ++j) {
    EXPECT_EQ(shares(0, j), 0.25f);
    EXPECT_NEAR(shares(1, j), j < 3 ? 1.0 / 3 : 0.0, 1e-6);
  }
}

TEST(Affinities, JointByHand) {
  // Three rows with one neighbour each: 0 -> 1, 1 -> 0, 2 -> 1. p_01 = 2/6, p_12 = 1/6.
  Neighbours neighbours{Matrix<std::int64_t>(3, 1), Matrix<float>(3, 1)};
  neighbours.rows(0, 0) = 1;
  neighbours.rows(2, 0) = 1;
  Matrix<float> conditional(3, 1);
  conditional.fill(1);
  const Affinities joint(neighbours, conditional);
  ASSERT_EQ(joint.offsets, (std::vector<std::int64_t>{0, 8, 16, 24}));
  const float expected[3][3] = {{0, 1 / 3.0f, 0}, {1 / 3.0f, 0, 1 / 6.0f}, {0, 1 / 6.0f, 0}};
  for (std::int64_t i = 0; i < 3; ++i) {
    float row[3] = {};
    for (std::int64_t e = 8 * i; e < 8 * i + 8; ++e) row[joint.columns[e]] += joint.values[e];
    for (int j = 0; j < 3; ++j) EXPECT_FLOAT_EQ(row[j], expected[i][j]);
  }
  EXPECT_NEAR(joint.negative_entropy(), 2 * (std::log(1 / 3.0) / 3 + std::log(1 / 6.0) / 6), 1e-6);
}

TEST(Affinities, AreSymmetricAndSumToOne) {
  const Blobs blobs(300, 5, 3, 4.0);
  const Affinities joint = affinities_of_rows(blobs.features, 10);
  std::map<std::pair<std::int64_t, std::int64_t>, float> entries;
  double sum = 0;
  for (std::int64_t i = 0; i < joint.rows(); ++i) {
    EXPECT_EQ(joint.offsets[i] % Affinities::kLanes, 0);
    for (std::int64_t e = joint.offsets[i]; e < joint.offsets[i + 1]; ++e) {
      sum += joint.values[e];
      if (joint.values[e] > 0) {
        EXPECT_TRUE(entries.emplace(std::pair{i, joint.columns[e]}, joint.values[e]).second);
      } else if (joint.columns[e] == i) {
        continue;  // fills up the row
      }
      EXPECT_NE(joint.columns[e], i);
    }
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  for (const auto& [place, value] : entries)
    EXPECT_EQ(value, (entries[{place.second, place.first}]));
}

TEST(Affinities, RefuseAPerplexityThatIsTooLarge) {
  const Matrix<float> rows(30, 2);
  const std::string message = user_error_of([&] { affinities_of_rows(rows, 10); });
  EXPECT_CONTAINS(message, "perplexity = 10");
  EXPECT_CONTAINS(message, "30 rows");
  EXPECT_CONTAINS(message, "9 or less");
  EXPECT_EQ(affinities_of_rows(rows, 9.6).rows(), 30);
  EXPECT_CONTAINS(user_error_of([&] { affinities_of_rows(Matrix<float>(3, 2), 1); }),
                  "needs 4 rows or more; there are 3");
}

}  // namespace
}  // namespace coterie
