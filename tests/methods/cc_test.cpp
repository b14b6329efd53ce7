#include "coterie/methods/cc/cc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "coterie/methods/registry.h"
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

/// Of all batch norms, after a training of one method that changes no weight.
std::vector<float> running_statistics(const char* name, const char* epochs,
                                      const TrainingData& data) {
  auto method = create_method(name);
  for (const auto& [parameter, value] : {std::pair{"epochs", epochs},
                                         {"side", "16"},
                                         {"learning_rate", "1e-12"},
                                         {"weight_decay", "0"}})
    method->set_parameter(parameter, value);
  method->fit(data, {.clusters = 3, .seed = 1});
  std::vector<float> values;
  for (const auto& [part, tensor] : method->save().tensors)
    if (part.ends_with("running_mean") || part.ends_with("running_var"))
      for (const float value : tensor.values<float>()) values.push_back(value);
  return values;
}

TEST(Contrastive, BatchNormsOfASmallSetAreOfItsImagesHoweverFewStepsThereWere) {
  const testing::ToyImages images(60);
  for (const char* name : {"cc", "simclr", "moco"}) {
    const auto after_one = running_statistics(name, "1", images.data);
    const auto after_five = running_statistics(name, "5", images.data);
    ASSERT_FALSE(after_one.empty()) << name;
    for (std::size_t i = 0; i < after_one.size(); ++i)
      EXPECT_NEAR(after_one[i], after_five[i], 1e-4 * (1 + std::abs(after_one[i]))) << name;
  }
}

}  // namespace
}  // namespace coterie
