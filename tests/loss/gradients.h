#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "coterie/nn/torch.h"

namespace coterie::testing {

/// The largest difference between the gradient of `loss` at `x` and central differences.
inline double gradient_error(const std::function<torch::Tensor(const torch::Tensor&)>& loss,
                             const torch::Tensor& x) {
  const auto at = x.clone().set_requires_grad(true);
  loss(at).backward();
  const double step = 1e-6;
  double worst = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    auto up = x.clone(), down = x.clone();
    up.view(-1)[i] += step;
    down.view(-1)[i] -= step;
    const double slope = (loss(up) - loss(down)).item<double>() / (2 * step);
    worst = std::max(worst, std::abs(slope - at.grad().view(-1)[i].item<double>()));
  }
  return worst;
}

}  // namespace coterie::testing
