#include "coterie/metrics/silhouette.h"

#include <cmath>
#include <limits>

#include "coterie/core/parallel.h"
#include "metrics/pattern.h"
#include "testing.h"

namespace coterie {
namespace {

using Labels = std::vector<std::int32_t>;
using testing::pattern;
using testing::user_error_of;

Matrix<float> matrix(std::int64_t rows, std::int64_t cols, const std::vector<float>& values) {
  Matrix<float> out(rows, cols);
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

const Matrix<float> kPoints =
    matrix(9, 2, {1, 2, 1.5, 1.75, 0.5, 2.25, 5, 5, 5.5, 4.5, 6, 5.25, 9, 1, 2, 2.5, 5, 4});
const Labels kLabels = {0, 0, 0, 3, 3, 3, 7, 3, 0};  // cluster 7 has one item

/// 700 x 37 numbers k / 1000 in 6 clusters; each row has 2 added in its cluster's column.
struct Larger {
  Matrix<float> features{700, 37};
  Labels labels = pattern(700, 6, 5);
  Larger() {
    const auto values = pattern(700 * 37, 1000, 77);
    for (std::size_t i = 0; i < values.size(); ++i)
      features.data()[i] = static_cast<float>(values[i]) / 1000.0f;
    for (std::int64_t i = 0; i < 700; ++i) features(i, labels[i]) += 2.0f;
  }
};

TEST(Silhouette, ByHandOnALine) {
  // Items 0, 1 and 4 in cluster 0, item 6 and 8 in cluster 1.
  // 0: a = 2.5, b = 7; 1: a = 2, b = 6; 4: a = 3.5, b = 3; 6: a = 2, b = 13/3; 8: a = 2, b = 19/3.
  const auto features = matrix(5, 1, {0, 1, 4, 6, 8});
  const auto scores = silhouette_samples(features, Labels{0, 0, 0, 1, 1});
  const double expected[] = {4.5 / 7, 4.0 / 6, -0.5 / 3.5, 1 - 6.0 / 13, 1 - 6.0 / 19};
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(scores[i], expected[i], 1e-15) << i;
}

TEST(Silhouette, EqualsScikitLearnItemByItem) {
  // metrics.silhouette_samples of scikit-learn 1.2.1 in double precision, printed with %.17g.
  const double expected[] = {0.56738991783754378,
                             0.52048188073156587,
                             0.53221674127202889,
                             0.53121425942705158,
                             0.53560332058241722,
                             0.53669488270911392,
                             0,
                             -0.59573815988733514,
                             -0.62882451637418146};
  const auto scores = silhouette_samples(kPoints, kLabels);
  ASSERT_EQ(scores.size(), 9u);
  for (int i = 0; i < 9; ++i) EXPECT_NEAR(scores[i], expected[i], 1e-14) << i;
  EXPECT_NEAR(silhouette(kPoints, kLabels), 0.22211536958868938, 1e-14);
}

TEST(Silhouette, EqualsScikitLearnOverSeveralBlocks) {
  // metrics.silhouette_score of scikit-learn 1.2.1 on the same numbers.
  const Larger larger;
  EXPECT_NEAR(silhouette(larger.features, larger.labels), 0.30822458633384026, 1e-12);
}

TEST(Silhouette, KeepsItsDigitsFarFromTheOrigin) {
  // scikit-learn's value for (float32(x + 1000) in double) - 1000.
  Larger larger;
  for (std::int64_t i = 0; i < larger.features.size(); ++i) larger.features.data()[i] += 1000.0f;
  EXPECT_NEAR(silhouette(larger.features, larger.labels), 0.30822478897368633, 1e-12);
}

TEST(Silhouette, DoesNotDependOnTheNumberOfThreads) {
  const Larger larger;
  set_thread_count(1);
  const auto one = silhouette_samples(larger.features, larger.labels);
  set_thread_count(5);
  const auto five = silhouette_samples(larger.features, larger.labels);
  set_thread_count(0);
  EXPECT_EQ(one, five);
}

TEST(Silhouette, EqualPointsScoreZeroNotNan) {
  const auto features = matrix(4, 1, {3, 3, 3, 3});
  EXPECT_EQ(silhouette_samples(features, Labels{0, 0, 1, 1}), std::vector<double>(4, 0.0));
}

TEST(Silhouette, ASampleOfAllIsExact) {
  const Larger larger;
  const double exact = silhouette(larger.features, larger.labels);
  RandomStream random(1, "silhouette");
  EXPECT_EQ(sampled_silhouette(larger.features, larger.labels, 700, random), exact);
  EXPECT_EQ(sampled_silhouette(larger.features, larger.labels, 5000, random), exact);
}

TEST(Silhouette, ASampleIsNearAndRepeats) {
  const Larger larger;
  const double exact = silhouette(larger.features, larger.labels);
  RandomStream a(1, "silhouette"), b(1, "silhouette"), c(2, "silhouette");
  const double first = sampled_silhouette(larger.features, larger.labels, 200, a);
  EXPECT_NE(first, exact);
  // Scores of single items have a standard deviation of 0.037 here, means of 200 one of 0.0026.
  EXPECT_NEAR(first, exact, 0.01);
  EXPECT_EQ(first, sampled_silhouette(larger.features, larger.labels, 200, b));
  EXPECT_NE(first, sampled_silhouette(larger.features, larger.labels, 200, c));
}

TEST(Silhouette, SampledClustersCountWithTheirTrueSize) {
  // Clusters 0 and 1 lie on one point (score 0), 2 and 3 on points of their own (score 1): every
  // sample that keeps them all and weighs them right gives (900 + 3) / 1000.
  Matrix<float> features(1000, 1);
  Labels labels(1000);
  for (int i = 0; i < 1000; ++i) {
    labels[i] = i < 95 ? 0 : i < 97 ? 1 : i < 100 ? 2 : 3;
    features(i, 0) = labels[i] == 3 ? 9.0f : labels[i] == 2 ? 5.0f : 1.0f;
  }
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RandomStream random(seed, "sizes");
    ASSERT_NEAR(sampled_silhouette(features, labels, 50, random), 0.903, 1e-12) << seed;
  }
}

TEST(Silhouette, BadInputIsNamed) {
  EXPECT_CONTAINS(user_error_of([] { silhouette(kPoints, Labels{0, 1}); }), "9 rows");
  EXPECT_CONTAINS(user_error_of([] { silhouette(kPoints, Labels(9, 4)); }), "only cluster 4");
  EXPECT_CONTAINS(user_error_of([] { silhouette(Matrix<float>(0, 2), {}); }), "no labels");
  RandomStream random(1, "bad");
  EXPECT_CONTAINS(user_error_of([&] { sampled_silhouette(kPoints, kLabels, 1, random); }),
                  "at least 2");
  Matrix<float> broken(9, 2);
  broken(4, 1) = std::numeric_limits<float>::infinity();
  EXPECT_CONTAINS(user_error_of([&] { silhouette(broken, kLabels); }), "row 4");
  broken(4, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CONTAINS(user_error_of([&] { sampled_silhouette(broken, kLabels, 5, random); }), "row 4");
}

TEST(Silhouette, StopsOnRequest) {
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(silhouette(kPoints, kLabels, &cancel), Interrupted);
}

}  // namespace
}  // namespace coterie
