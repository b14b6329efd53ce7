#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "coterie/nn/torch.h"

namespace coterie::testing {

/// Images [N, C, H, W] whose i-th value is ((7 i^2 + 3 i) mod 32) / 31.
inline torch::Tensor toy_images(std::int64_t count, std::int64_t channels, std::int64_t height,
                                std::int64_t width) {
  const auto i = torch::arange(count * channels * height * width, torch::kLong);
  return ((i * i * 7 + i * 3) % 32)
      .to(torch::kFloat)
      .div(31)
      .view({count, channels, height, width});
}

/// Equal to figures of four digits.
inline void expect_values(const torch::Tensor& values, const std::vector<float>& expected) {
  const auto flat = values.contiguous().view(-1);
  ASSERT_EQ(flat.numel(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(flat[static_cast<std::int64_t>(i)].item<float>(), expected[i], 6e-5)
        << "value " << i;
}

}  // namespace coterie::testing
