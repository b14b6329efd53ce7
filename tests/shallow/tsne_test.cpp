#include "coterie/shallow/tsne.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coterie/core/parallel.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

double distance(const Matrix<float>& y, std::int64_t i, std::int64_t j) {
  return std::hypot(static_cast<double>(y(i, 0)) - y(j, 0), static_cast<double>(y(i, 1)) - y(j, 1));
}

void expect_finite(const Matrix<float>& y) {
  for (std::int64_t i = 0; i < y.size(); ++i) ASSERT_TRUE(std::isfinite(y.data()[i])) << i;
}

TEST(Tsne, BlobsStayApart) {
  const Blobs blobs(400, 10, 4, 12.0);
  Tsne tsne({.perplexity = 20, .iterations = 500});
  const Matrix<float> y = tsne.fit(blobs.features);
  expect_finite(y);
  // Each row's nearest in the layout are of its own blob.
  for (std::int64_t i = 0; i < 400; ++i) {
    std::int64_t nearest = i == 0 ? 1 : 0;
    for (std::int64_t j = 0; j < 400; ++j)
      if (j != i && distance(y, i, j) < distance(y, i, nearest)) nearest = j;
    EXPECT_EQ(blobs.truth[i], blobs.truth[nearest]);
  }
  double mean[2] = {};
  for (std::int64_t i = 0; i < 400; ++i)
    for (int d = 0; d < 2; ++d) mean[d] += y(i, d) / 400;
  EXPECT_NEAR(mean[0], 0, 1e-4);
  EXPECT_NEAR(mean[1], 0, 1e-4);
}

TEST(Tsne, TheDivergenceFallsAfterExaggeration) {
  const Blobs blobs(500, 8, 5, 3.0);
  Tsne tsne({.perplexity = 15, .iterations = 620, .exaggeration_iterations = 200});
  tsne.fit(blobs.features);
  const auto& steps = tsne.steps();
  ASSERT_EQ(steps.size(), 13u);  // 50, 100, ..., 600 and 620
  EXPECT_EQ(steps[0].iteration, 50);
  EXPECT_EQ(steps.back().iteration, 620);
  for (std::size_t s = 4; s < steps.size(); ++s)
    EXPECT_LT(steps[s].divergence, steps[s - 1].divergence + 1e-3) << steps[s].iteration;
  EXPECT_LT(steps.back().divergence, 0.7 * steps[3].divergence);
}

TEST(Tsne, TheSameSeedGivesTheSameLayout) {
  const Blobs blobs(300, 5, 3, 4.0);
  const TsneParams params{.perplexity = 10, .iterations = 300};
  const auto layout = [&](std::uint64_t seed) {
    return Tsne(params).fit(blobs.features, {.seed = seed});
  };
  const Matrix<float> first = layout(1), again = layout(1), other = layout(2);
  bool differs = false;
  for (std::int64_t i = 0; i < first.size(); ++i) {
    ASSERT_EQ(first.data()[i], again.data()[i]);
    differs = differs || first.data()[i] != other.data()[i];
  }
  EXPECT_TRUE(differs);
}

TEST(Tsne, TheSameWhateverTheThreads) {
  const Blobs blobs(900, 5, 3, 4.0);
  const TsneParams params{.perplexity = 10, .iterations = 120, .exaggeration_iterations = 60};
  const int threads = thread_count();
  set_thread_count(3);
  const Matrix<float> many = Tsne(params).fit(blobs.features);
  set_thread_count(1);
  const Matrix<float> one = Tsne(params).fit(blobs.features);
  set_thread_count(threads);
  for (std::int64_t i = 0; i < one.size(); ++i) ASSERT_EQ(one.data()[i], many.data()[i]);
}

TEST(Tsne, FourRows) {
  const float x[4] = {0, 1, 10, 11};
  const Matrix<float> y = Tsne({.perplexity = 1, .iterations = 300}).fit({x, 4, 1}, {.seed = 3});
  expect_finite(y);
  EXPECT_LT(distance(y, 0, 1), distance(y, 0, 2));
  EXPECT_LT(distance(y, 2, 3), distance(y, 1, 2));
}

TEST(Tsne, EqualRowsStayTogether) {
  // Two places, 40 rows each.
  Matrix<float> x(80, 3);
  for (std::int64_t i = 40; i < 80; ++i) x(i, 1) = 5;
  const Matrix<float> y = Tsne({.perplexity = 8, .iterations = 400}).fit(x);
  expect_finite(y);
  double inner = 0, outer = 1e9;
  for (std::int64_t i = 0; i < 80; ++i)
    for (std::int64_t j = 0; j < i; ++j)
      if ((i < 40) == (j < 40))
        inner = std::max(inner, distance(y, i, j));
      else
        outer = std::min(outer, distance(y, i, j));
  EXPECT_LT(inner, outer);
}

TEST(Tsne, ConstantRowsFillADisc) {
  Matrix<float> x(50, 4);
  x.fill(2);
  const Matrix<float> y = Tsne({.perplexity = 5, .iterations = 300}).fit(x);
  expect_finite(y);
  double farthest = 0;
  for (std::int64_t i = 0; i < 50; ++i)
    farthest = std::max<double>(farthest, std::hypot(y(i, 0), y(i, 1)));
  EXPECT_GT(farthest, 0.01);
}

TEST(Tsne, OneFarOutlierSpoilsNothing) {
  Blobs blobs(300, 6, 3, 10.0);
  for (std::int64_t d = 0; d < 6; ++d) blobs.features(299, d) = 1e6f;
  const Matrix<float> y = Tsne({.perplexity = 10, .iterations = 500}).fit(blobs.features);
  expect_finite(y);
  for (std::int64_t i = 0; i < 300; ++i)
    ASSERT_LT(std::hypot(y(i, 0), y(i, 1)), 300) << "row " << i;
  // The start is the outlier's direction alone; the blobs part all the same.
  for (std::int64_t i = 0; i < 299; ++i) {
    std::int64_t nearest = i == 0 ? 1 : 0;
    for (std::int64_t j = 0; j < 299; ++j)
      if (j != i && distance(y, i, j) < distance(y, i, nearest)) nearest = j;
    EXPECT_EQ(blobs.truth[i], blobs.truth[nearest]);
  }
}

TEST(Tsne, RefusesBadInputAndStops) {
  const Blobs blobs(90, 3, 2);
  EXPECT_CONTAINS(user_error_of([&] { Tsne().fit(blobs.features); }), "perplexity = 30");
  EXPECT_CONTAINS(user_error_of([&] { Tsne({.perplexity = 0.5}); }), "perplexity = 0.5");
  EXPECT_CONTAINS(user_error_of([&] { Tsne({.iterations = 100}); }),
                  "exaggeration_iterations = 250");
  EXPECT_CONTAINS(user_error_of([&] { Tsne({.learning_rate = -1}); }), "learning_rate");
  Matrix<float> hole = blobs.features;
  hole(7, 1) = NAN;
  EXPECT_CONTAINS(user_error_of([&] { Tsne({.perplexity = 5}).fit(hole); }), "row 7");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(Tsne({.perplexity = 5}).fit(blobs.features, {.cancel = &cancel}), Interrupted);
}

TEST(Tsne, SaysHowFarItIsAndStopsInTheMiddle) {
  struct Stopping : Progress {
    void begin(std::string_view phase, std::int64_t total) override {
      if (phase == "layout") length = total;
    }
    void update(std::int64_t done, std::string_view detail) override {
      if (length == 0) return;
      reached = done;
      if (!detail.empty()) last = detail;
      if (done == 60) cancel.cancel();
    }
    CancelToken cancel;
    std::int64_t length = 0, reached = 0;
    std::string last;
  } progress;
  const Blobs blobs(90, 3, 2);
  EXPECT_THROW(Tsne({.perplexity = 5})
                   .fit(blobs.features, {.progress = &progress, .cancel = &progress.cancel}),
               Interrupted);
  EXPECT_EQ(progress.length, 1000);
  EXPECT_EQ(progress.reached, 60);
  EXPECT_CONTAINS(progress.last, "KL ");
}

}  // namespace
}  // namespace coterie
