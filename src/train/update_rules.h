#pragma once

#include <cstdint>

namespace coterie {

/// The update rules of the optimisers as one pass over `count` parameters each: `v` values, `g`
/// gradients. The same rules in whole-tensor operations, for GPUs, stand in optimiser.cpp.

inline constexpr float kAdamBeta1 = 0.9f;
inline constexpr float kAdamBeta2 = 0.999f;
inline constexpr float kRmsSmoothing = 0.9f;
inline constexpr float kOptimiserEpsilon = 1e-8f;

/// Adam's step with its corrections for the moments' start at zero.
struct AdamPace {
  float rate;   ///< learning rate / (1 - beta1^t)
  float scale;  ///< 1 / sqrt(1 - beta2^t)
};

void adam_rule(std::int64_t count, float* v, const float* g, float* mean, float* squares,
               AdamPace pace, float decay);
void sgd_rule(std::int64_t count, float* v, const float* g, float* velocity, float rate,
              float momentum, float decay);
void rmsprop_rule(std::int64_t count, float* v, const float* g, float* squares, float rate,
                  float decay);

}  // namespace coterie
