#include "coterie/methods/cc/cc.h"

#include <gtest/gtest.h>

#include "coterie/metrics/scores.h"
#include "methods/three_kinds.h"

namespace coterie {
namespace {

TEST(ContrastiveClustering, FindsThreeKindsOfImages) {
  const testing::ToyImages images(60);
  auto method = make_cc();
  method->set_parameter("epochs", "30");
  method->set_parameter("batch_size", "20");
  method->set_parameter("side", "16");
  const Clustering found = method->fit(images.data, {.clusters = 3, .seed = 1});
  EXPECT_EQ(accuracy(found.labels, images.truth), 1.0);
}

}  // namespace
}  // namespace coterie
