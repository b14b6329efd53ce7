#include "coterie/shallow/tsne_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

TEST(StratifiedSample, GivesEachLabelItsShare) {
  // 60, 30, 9 and 1 of 100 items; 10 of them: 6, 3, 0.9 and 0.1, so 6, 3, 1 and 0.
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 100; ++i) labels.push_back(i < 60 ? 2 : i < 90 ? 0 : i < 99 ? 3 : 1);
  RandomStream stream(5, "sample");
  const auto sample = stratified_sample(labels, 10, stream);
  ASSERT_EQ(sample.size(), 10u);
  EXPECT_TRUE(std::is_sorted(sample.begin(), sample.end()));
  int counts[4] = {};
  for (const std::int64_t item : sample) ++counts[labels[item]];
  EXPECT_EQ(counts[2], 6);
  EXPECT_EQ(counts[0], 3);
  EXPECT_EQ(counts[3], 1);
  EXPECT_EQ(counts[1], 0);
  EXPECT_EQ(std::set<std::int64_t>(sample.begin(), sample.end()).size(), 10u);
  EXPECT_NE(stratified_sample(labels, 10, stream), sample);  // drawn, not the first of each
}

TEST(PlaceRows, ByHand) {
  // Four rows on a line; fewer than fifteen, so all are looked at, with perplexity 4/3.
  const float rows[4] = {0, 1, 10, 10}, positions[8] = {0, 0, 4, 2, -8, 6, -8, 8};
  const float new_rows[4] = {1, 10, 0.5f, -1000};
  const Matrix<float> places = place_rows({new_rows, 4, 1}, {rows, 4, 1}, {positions, 4, 2});
  EXPECT_FLOAT_EQ(places(0, 0), 4);  // equal to row 1
  EXPECT_FLOAT_EQ(places(0, 1), 2);
  EXPECT_FLOAT_EQ(places(1, 0), -8);  // equal to rows 2 and 3
  EXPECT_FLOAT_EQ(places(1, 1), 7);
  // Between rows 0 and 1, which are tied: half of each.
  EXPECT_NEAR(places(2, 0), 2, 1e-3);
  EXPECT_NEAR(places(2, 1), 1, 1e-3);
  // Squares 10^6, + 2001, + 20100 twice: t = exp(-2001 b) for row 1, and about t^10 for the others.
  // exp(entropy) = 4/3 of two shares s and 1 - s at s = 0.91631.
  EXPECT_NEAR(places(3, 0), 4 * (1 - 0.91631), 1e-3);
  EXPECT_NEAR(places(3, 1), 2 * (1 - 0.91631), 1e-3);
}

TEST(LayOutRows, AllOfThemWhereTheyAreFew) {
  const Blobs blobs(100, 4, 2);
  LayoutParams params{.tsne = {.perplexity = 5, .iterations = 250}, .most = 100};
  const Layout layout = lay_out_rows(blobs.features, blobs.truth, params, {.seed = 2});
  EXPECT_TRUE(layout.placed.empty());
  const Matrix<float> direct = Tsne(params.tsne).fit(blobs.features, {.seed = 2});
  for (std::int64_t i = 0; i < direct.size(); ++i)
    ASSERT_EQ(layout.positions.data()[i], direct.data()[i]);
  EXPECT_EQ(layout.steps.back().iteration, 250);
}

TEST(LayOutRows, PlacesTheRestOfMany) {
  const Blobs blobs(600, 6, 3, 12.0);
  const LayoutParams params{.tsne = {.perplexity = 10, .iterations = 400}, .most = 150};
  const Layout layout = lay_out_rows(blobs.features, blobs.truth, params);
  ASSERT_EQ(layout.placed.size(), 450u);
  std::vector<bool> placed(600);
  for (const std::int64_t i : layout.placed) placed[i] = true;
  int laid_out[3] = {};
  for (std::int64_t i = 0; i < 600; ++i) laid_out[blobs.truth[i]] += placed[i] ? 0 : 1;
  EXPECT_EQ(laid_out[0], 50);
  EXPECT_EQ(laid_out[1], 50);
  EXPECT_EQ(laid_out[2], 50);
  // A placed row lies among the laid out ones of its blob.
  for (const std::int64_t i : layout.placed) {
    double nearest[3] = {1e30, 1e30, 1e30};
    for (std::int64_t j = 0; j < 600; ++j)
      if (!placed[j]) {
        double& least = nearest[blobs.truth[j]];
        least =
            std::min<double>(least, std::hypot(layout.positions(i, 0) - layout.positions(j, 0),
                                               layout.positions(i, 1) - layout.positions(j, 1)));
      }
    EXPECT_EQ(std::min_element(nearest, nearest + 3) - nearest, blobs.truth[i]) << "row " << i;
  }
  // Without labels it is one cluster.
  EXPECT_EQ(lay_out_rows(blobs.features, {}, params).placed.size(), 450u);
}

TEST(LayOutRows, ParametersAreCheckedByName) {
  LayoutParams params;
  LayoutParams::fields().set(params, "most", "5000");
  LayoutParams::fields().set(params, "perplexity", "7.5");
  EXPECT_EQ(params.most, 5000);
  EXPECT_EQ(params.tsne.perplexity, 7.5);
  EXPECT_CONTAINS(user_error_of([&] { LayoutParams::fields().set(params, "most", "3"); }),
                  "most = 3");
  // The perplexity must suit the rows that are laid out.
  const Blobs blobs(100, 4, 2);
  params.most = 20;
  EXPECT_CONTAINS(user_error_of([&] { lay_out_rows(blobs.features, {}, params); }),
                  "too large for 20 rows");
}

}  // namespace
}  // namespace coterie
