#include "coterie/shallow/rcc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coterie/metrics/scores.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

constexpr RccParams kEuclidean{.distance = RccDistance::euclidean};

TEST(Rcc, FindsTheNumberOfBlobs) {
  const Blobs blobs(400, 8, 5, 30.0);
  Rcc rcc(kEuclidean);
  const Assignment found = rcc.fit(blobs.features, 0);
  EXPECT_EQ(rcc.clusters(), 5);
  EXPECT_EQ(accuracy(found.labels, blobs.truth), 1.0);
  EXPECT_GE(rcc.groups(), 5);
}

TEST(Rcc, TheNumberOfClustersThatIsAsked) {
  const Blobs blobs(400, 8, 5, 30.0);
  EXPECT_EQ(accuracy(Rcc(kEuclidean).fit(blobs.features, 5).labels, blobs.truth), 1.0);
  // Fewer: whole blobs merge. More: single blobs are cut, none is mixed with another.
  for (const std::int64_t clusters : {2, 3, 8, 50}) {
    Rcc rcc(kEuclidean);
    const Assignment found = rcc.fit(blobs.features, clusters);
    EXPECT_EQ(rcc.clusters(), clusters);
    std::vector<std::int32_t> labels = found.labels;
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    EXPECT_EQ(static_cast<std::int64_t>(labels.size()), clusters);
    for (std::size_t i = 0; i < 400; ++i) {
      if (clusters < 5) {
        EXPECT_EQ(found.labels[i], found.labels[i % 5]);
      } else {
        for (std::size_t j = 0; j < i; ++j)
          if (found.labels[i] == found.labels[j]) {
            ASSERT_EQ(blobs.truth[i], blobs.truth[j]);
          }
      }
    }
  }
}

TEST(Rcc, TheObjectiveFallsWhileTheScaleStands) {
  const Blobs blobs(500, 20, 4, 4.0);
  Rcc rcc(kEuclidean);
  rcc.fit(blobs.features, 4);
  const auto& steps = rcc.steps();
  ASSERT_GT(steps.size(), 8u);
  EXPECT_GT(steps.front().mu, steps.back().mu);
  for (std::size_t s = 1; s < steps.size(); ++s) {
    if (s % 4 != 0) {
      EXPECT_EQ(steps[s].mu, steps[s - 1].mu);
    }
    if (steps[s].mu == steps[s - 1].mu && steps[s].lambda == steps[s - 1].lambda) {
      EXPECT_LE(steps[s].objective, steps[s - 1].objective * (1 + 1e-4)) << "step " << s;
    } else {
      EXPECT_NEAR(steps[s].mu / steps[s - 1].mu, 0.5, steps[s].mu == steps.back().mu ? 0.5 : 1e-12);
    }
  }
}

TEST(Rcc, ScalingMakesColumnsEqual) {
  // The second column says the cluster, the first is a thousand times wider and says nothing.
  Blobs blobs(300, 2, 1, 0.0);
  for (std::int64_t i = 0; i < 300; ++i) {
    blobs.truth[i] = static_cast<std::int32_t>(i % 2);
    blobs.features(i, 1) = 0.02f * blobs.features(i, 1) + static_cast<float>(i % 2);
    blobs.features(i, 0) *= 1000.0f;
  }
  RccParams params = kEuclidean;
  EXPECT_LT(accuracy(Rcc(params).fit(blobs.features, 2).labels, blobs.truth), 0.7);
  for (const RccScaling scaling : {RccScaling::range, RccScaling::standard}) {
    params.scaling = scaling;
    EXPECT_EQ(accuracy(Rcc(params).fit(blobs.features, 2).labels, blobs.truth), 1.0);
  }
}

TEST(Rcc, EqualRowsAndConstantColumns) {
  Matrix<float> x(90, 3);  // 0, 0 and 7 | 4, 1 and 7 | 9, 9 and 7, many times each
  for (std::int64_t i = 30; i < 90; ++i) {
    x(i, 0) = i < 60 ? 4.0f : 9.0f;
    x(i, 1) = i < 60 ? 1.0f : 9.0f;
  }
  for (std::int64_t i = 0; i < 90; ++i) x(i, 2) = 7;
  for (const RccScaling scaling : {RccScaling::none, RccScaling::standard}) {
    RccParams params = kEuclidean;
    params.scaling = scaling;
    const Assignment three = Rcc(params).fit(x, 3), two = Rcc(params).fit(x, 2);
    for (std::int64_t i = 0; i < 90; ++i) {
      EXPECT_EQ(three.labels[i], three.labels[i / 30 * 30]);
      EXPECT_EQ(two.labels[i], two.labels[i < 60 ? 0 : 60]);
    }
    EXPECT_NE(two.labels[0], two.labels[60]);
    EXPECT_GE(Rcc(params).fit(x, 0).probabilities.cols(), 2);
  }
}

TEST(Rcc, PredictRepeatsTheFitAndSurvivesSaving) {
  const Blobs blobs(333, 20, 4, 3.0);
  Rcc rcc, loaded;
  const Assignment fitted = rcc.fit(blobs.features, 5, {.seed = 3});
  loaded.load(rcc.save());
  const Assignment again = rcc.fit(blobs.features, 5, {.seed = 3});
  for (const Assignment& other :
       {rcc.predict(blobs.features), loaded.predict(blobs.features), again}) {
    EXPECT_EQ(other.labels, fitted.labels);
    for (std::int64_t i = 0; i < fitted.probabilities.size(); ++i)
      ASSERT_EQ(other.probabilities.data()[i], fitted.probabilities.data()[i]);
  }
}

TEST(Rcc, RefusesBadInputAndStops) {
  const Blobs blobs(20, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { Rcc().fit(blobs.features, 1); }), "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { Rcc({.threshold = 0}); }), "threshold");
  EXPECT_CONTAINS(user_error_of([&] { Rcc().predict(blobs.features); }), "not trained");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(Rcc().fit(blobs.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
