#include "coterie/methods/cc/cc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

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

TEST(ContrastiveClustering, BatchNormsOfASmallSetAreOfItsImagesHoweverFewStepsThereWere) {
  const testing::ToyImages images(60);
  const auto statistics_after = [&](const char* epochs) {
    auto method = make_cc();
    for (const auto& [name, value] : {std::pair{"epochs", epochs},
                                      {"side", "16"},
                                      {"learning_rate", "1e-12"},
                                      {"weight_decay", "0"}})
      method->set_parameter(name, value);
    method->fit(images.data, {.clusters = 3, .seed = 1});
    std::vector<float> values;
    for (const auto& [name, tensor] : method->save().tensors)
      if (name.ends_with("running_mean") || name.ends_with("running_var"))
        for (const float value : tensor.values<float>()) values.push_back(value);
    return values;
  };
  const auto after_one = statistics_after("1"), after_five = statistics_after("5");
  ASSERT_FALSE(after_one.empty());
  for (std::size_t i = 0; i < after_one.size(); ++i)
    EXPECT_NEAR(after_one[i], after_five[i], 1e-4 * (1 + std::abs(after_one[i])));
}

}  // namespace
}  // namespace coterie
