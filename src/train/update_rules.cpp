#include "coterie/train/update_rules.h"

#include <cmath>

namespace coterie {

void adam_rule(std::int64_t count, float* __restrict v, const float* __restrict g,
               float* __restrict mean, float* __restrict squares, AdamPace pace, float decay) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float slope = g[i] + decay * v[i];
    mean[i] = kAdamBeta1 * mean[i] + (1 - kAdamBeta1) * slope;
    squares[i] = kAdamBeta2 * squares[i] + (1 - kAdamBeta2) * slope * slope;
    v[i] -= pace.rate * mean[i] / (std::sqrt(squares[i]) * pace.scale + kOptimiserEpsilon);
  }
}

void sgd_rule(std::int64_t count, float* __restrict v, const float* __restrict g,
              float* __restrict velocity, float rate, float momentum, float decay) {
  for (std::int64_t i = 0; i < count; ++i) {
    velocity[i] = momentum * velocity[i] + (g[i] + decay * v[i]);
    v[i] -= rate * velocity[i];
  }
}

void rmsprop_rule(std::int64_t count, float* __restrict v, const float* __restrict g,
                  float* __restrict squares, float rate, float decay) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float slope = g[i] + decay * v[i];
    squares[i] = kRmsSmoothing * squares[i] + (1 - kRmsSmoothing) * slope * slope;
    v[i] -= rate * slope / (std::sqrt(squares[i]) + kOptimiserEpsilon);
  }
}

}  // namespace coterie
