#include "coterie/shallow/labelled_rows.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;

TEST(LabelledRows, KeepsTheLabelsOfItsOwnRows) {
  const Blobs blobs(500, 3, 4, 1.0);  // they overlap: the nearest mean is often another's
  const LabelledRows kept(blobs.features, blobs.truth, 4);
  const Assignment found = kept.predict(blobs.features);
  EXPECT_EQ(found.labels, blobs.truth);
  EXPECT_EQ(argmax_rows(found.probabilities.view()), blobs.truth);
  for (std::int64_t i = 0; i < 500; ++i) {
    const auto p = found.probabilities.view().row_span(i);
    EXPECT_NEAR(p[0] + p[1] + p[2] + p[3], 1.0, 1e-5);
  }
}

TEST(LabelledRows, NewRowsTakeTheLabelOfTheNearest) {
  const Blobs blobs(700, 5, 6, 2.0);
  const Blobs others(90, 5, 6, 2.0, 77);
  const auto found = LabelledRows(blobs.features, blobs.truth, 6).predict(others.features).labels;
  for (std::int64_t i = 0; i < 90; ++i) {
    double least = 1e300;
    std::int64_t nearest = 0;
    for (std::int64_t j = 0; j < 700; ++j) {
      double distance = 0;
      for (std::int64_t d = 0; d < 5; ++d) {
        const double step = double(others.features(i, d)) - blobs.features(j, d);
        distance += step * step;
      }
      if (distance < least) {
        least = distance;
        nearest = j;
      }
    }
    EXPECT_EQ(found[i], blobs.truth[nearest]) << "row " << i;
  }
}

TEST(LabelledRows, EqualRowsShareALabel) {
  Matrix<float> x(4, 2);
  x(1, 0) = x(3, 0) = 1;
  const LabelledRows kept(x, {0, 1, 1, 0}, 2);
  EXPECT_EQ(kept.labels(), (std::vector<std::int32_t>{0, 1, 0, 1}));
}

TEST(LabelledRows, TypicalRowsAreSurer) {
  Matrix<float> x(6, 1);  // 0, 1, 2 and 10, 11, 16: means 1 and 12.33
  const float values[] = {0, 1, 2, 10, 11, 16};
  std::copy(std::begin(values), std::end(values), x.data());
  const Assignment found = LabelledRows(x, {0, 0, 0, 1, 1, 1}, 2).predict(x);
  // Row 2: distances 1 and 10.33^2 = 106.78, so 0.51 + 0.49 * 106.78 / 107.78.
  EXPECT_NEAR(found.probabilities(2, 0), 0.51 + 0.49 * 106.7778 / 107.7778, 1e-5);
  EXPECT_GT(found.probabilities(4, 1), found.probabilities(5, 1));
}

TEST(LabelledRows, SurvivesSavingAndRefusesWhatDoesNotFit) {
  const Blobs blobs(100, 3, 3);
  const LabelledRows kept(blobs.features, blobs.truth, 3);
  TensorMap saved = kept.save();
  EXPECT_EQ(LabelledRows::load(saved, "test").predict(blobs.features).labels, blobs.truth);
  EXPECT_CONTAINS(testing::user_error_of([&] { kept.predict(Matrix<float>(2, 4)); }), "3 features");
  EXPECT_CONTAINS(testing::user_error_of([&] { LabelledRows().predict(blobs.features); }),
                  "not trained");
  saved["labels"] = make_tensor<std::int32_t>({100}, std::vector<std::int32_t>(100, 3));
  EXPECT_CONTAINS(testing::user_error_of([&] { LabelledRows::load(saved, "test"); }),
                  "stored test model");
}

}  // namespace
}  // namespace coterie
