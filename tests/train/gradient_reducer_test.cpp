#include "coterie/train/gradient_reducer.h"

#include <gtest/gtest.h>

#include "processes.h"

namespace coterie {
namespace {

using namespace testing;

TEST(GradientReducer, LeavesTheGradientsOfAProcessAlone) {
  auto parameter = torch::ones({2}).requires_grad_();
  auto flat = torch::zeros(2);
  parameter.mutable_grad() = flat;
  const Processes alone;
  GradientReducer reducer({parameter}, flat, alone);
  reducer.start();
  (3 * parameter).sum().backward();
  (3 * parameter).sum().backward();
  reducer.finish();
  EXPECT_TRUE(flat.equal(torch::full({2}, 6.0F)));
}

#if defined(COTERIE_GLOO)

TEST(GradientReducer, AveragesArePartsOfTheWholeBatch) {
  expect_scenario("one_bucket", 2);
  expect_scenario("some_buckets", 3);
  expect_scenario("bucket_for_each", 2);
}

TEST(GradientReducer, AParameterMayTakePartInOneProcessAlone) { expect_scenario("part_of_one", 2); }

TEST(GradientReducer, LeavesNoHooksBehind) { expect_scenario("hooks_go", 2); }

TEST(GradientReducer, RefusesASecondBackwardPass) { expect_scenario("two_backward_passes", 2); }

#endif

}  // namespace
}  // namespace coterie
