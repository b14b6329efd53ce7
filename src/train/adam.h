#pragma once

#include <vector>

#include "coterie/core/safetensors.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// Adam (Kingma and Ba 2015, algorithm 1; beta 0.9 and 0.999, epsilon 1e-8) with weight decay added
/// to the gradient. The parameters and their gradients are moved into one flat tensor each, so that
/// a step is a handful of operations however many layers there are. The modules must not be moved
/// to another device after.
class Adam {
 public:
  Adam(const std::vector<torch::nn::Module*>& modules, double weight_decay);

  void zero_gradients();
  /// One update with this learning rate.
  void step(double learning_rate);
  /// Whether every parameter is a finite number.
  bool finite() const;
  std::int64_t steps() const { return steps_; }

  /// Moments and step count, named `prefix` + "first", "second", "steps".
  void save(const std::string& prefix, TensorMap& tensors) const;
  /// Throws UserError where a tensor is missing or of another length.
  void load(const std::string& prefix, const TensorMap& tensors);

 private:
  double weight_decay_;
  std::int64_t steps_ = 0;
  torch::Tensor values_;
  torch::Tensor gradients_;
  torch::Tensor first_;
  torch::Tensor second_;
};

}  // namespace coterie
