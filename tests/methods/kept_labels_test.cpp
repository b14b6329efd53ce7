#include "coterie/methods/kept_labels.h"

#include <gtest/gtest.h>

namespace coterie {
namespace {

TEST(KeptLabels, AreFreeAroundWhatWasSaidToBeWrong) {
  // Images on a line, the first twenty in cluster 0.
  ImageOutputs now{Matrix<float>(40, 1), Matrix<float>(40, 2)};
  std::vector<std::int32_t> found;
  for (std::int64_t i = 0; i < 40; ++i) {
    now.codes.row(i)[0] = static_cast<float>(i);
    found.push_back(i < 20 ? 0 : 1);
    now.probabilities.row(i)[found.back()] = 1;
  }
  const std::vector<Constraint> constraints = {{0, 5, Link::must},
                                               {0, 6, Link::must},
                                               {0, 10, Link::cannot},  // two agree with 0
                                               {9, 30, Link::cannot},  // 9 is right
                                               {19, 30, Link::must}};
  // A tenth of a cluster goes with each, if it is of the same cluster (20 is not).
  std::vector<std::int32_t> expected = found;
  for (const int image : {10, 11, 19, 18, 30, 29, 31}) expected[image] = kFree;
  EXPECT_EQ(kept_labels({}, now, constraints), expected);

  std::vector<std::int32_t> moved = found;  // by hand
  moved[10] = expected[10] = 1;
  EXPECT_EQ(kept_labels(moved, now, constraints), expected);

  // A network without clusters knows no neighbours.
  std::vector<std::int32_t> alone = moved;
  alone[19] = alone[30] = kFree;
  EXPECT_EQ(kept_labels(moved, {}, constraints), alone);
}

}  // namespace
}  // namespace coterie
