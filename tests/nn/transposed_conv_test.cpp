#include "coterie/nn/transposed_conv.h"

#include <gtest/gtest.h>

namespace coterie {
namespace {

TEST(TransposedConv, SpreadsOnePixelAsWrittenDownByHand) {
  // A 3 x 3 kernel 1..9 under the only pixel (value 2), stride 2, no padding: twice the kernel.
  const auto x = torch::full({1, 1, 1, 1}, 2.0);
  const auto weight = torch::arange(1, 10, torch::kFloat).view({1, 1, 3, 3});
  const auto y = transposed_conv2d(x, weight, {.stride = 2, .padding = 0, .output_padding = 0});
  ASSERT_EQ(y.sizes(), torch::IntArrayRef({1, 1, 3, 3}));
  EXPECT_TRUE(torch::equal(y.flatten(), torch::arange(2, 20, 2, torch::kFloat)));
  // With padding 1 the border row and column are cut; one row and column come at the far end.
  const auto cut = transposed_conv2d(x, weight, {.stride = 2, .padding = 1, .output_padding = 1});
  ASSERT_EQ(cut.sizes(), torch::IntArrayRef({1, 1, 2, 2}));
  EXPECT_TRUE(torch::equal(cut.flatten(), torch::tensor({10.f, 12.f, 16.f, 18.f})));
}

struct Case {
  std::int64_t inputs, outputs, side, kernel;
  TransposedGeometry geometry;
};

class TransposedConvCases : public ::testing::TestWithParam<Case> {};

TEST_P(TransposedConvCases, EqualsLibtorchInValuesAndGradients) {
  const auto [inputs, outputs, side, kernel, geometry] = GetParam();
  torch::manual_seed(1);
  const auto options = torch::TensorOptions(torch::kDouble).requires_grad(true);
  const auto x = torch::randn({3, inputs, side, side}, options);
  const auto weight = torch::randn({inputs, outputs, kernel, kernel}, options);
  const auto ours = transposed_conv2d(x, weight, geometry);
  const auto theirs = torch::conv_transpose2d(x, weight, {}, geometry.stride, geometry.padding,
                                              geometry.output_padding);
  ASSERT_EQ(ours.sizes(), theirs.sizes());
  ASSERT_EQ(ours.size(2), geometry.output_side(side, kernel));
  EXPECT_LT((ours - theirs).abs().max().item<double>(), 1e-12);
  const auto upstream = torch::randn_like(ours);
  const auto our_gradients = torch::autograd::grad({ours}, {x, weight}, {upstream});
  const auto their_gradients = torch::autograd::grad({theirs}, {x, weight}, {upstream});
  for (int i = 0; i < 2; ++i)
    EXPECT_LT((our_gradients[i] - their_gradients[i]).abs().max().item<double>(), 1e-11);
}

INSTANTIATE_TEST_SUITE_P(Geometries, TransposedConvCases,
                         ::testing::Values(Case{5, 4, 2, 3, {2, 1, 1}}, Case{5, 4, 4, 3, {2, 1, 0}},
                                           Case{3, 2, 1, 3, {2, 0, 0}},
                                           Case{4, 3, 6, 5, {4, 1, 1}}));

TEST(TransposedConv, GivesNoGradientWhereNoneIsAskedFor) {
  const auto x = torch::randn({2, 3, 4, 4});
  const auto weight = torch::randn({3, 2, 3, 3}, torch::requires_grad());
  transposed_conv2d(x, weight, {}).sum().backward();
  EXPECT_TRUE(weight.grad().defined());
  EXPECT_FALSE(x.grad().defined());
}

TEST(TransposedConv, LayerAddsItsBias) {
  TransposedConv2d layer(2, 3, 3, TransposedGeometry{2, 1, 1});
  torch::NoGradGuard no_grad;
  layer->named_parameters()["bias"].copy_(torch::tensor({1.f, 2.f, 3.f}));
  const auto y = layer->forward(torch::randn({1, 2, 2, 2}));  // Its weight starts at 0.
  for (int c = 0; c < 3; ++c) EXPECT_TRUE(torch::equal(y[0][c], torch::full({4, 4}, c + 1.0f)));
}

}  // namespace
}  // namespace coterie
