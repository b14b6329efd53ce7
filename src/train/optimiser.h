#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coterie/core/safetensors.h"
#include "coterie/nn/torch.h"

namespace coterie {

enum class OptimiserKind {
  adam,     ///< Kingma and Ba 2015, algorithm 1: beta 0.9 and 0.999, epsilon 1e-8
  sgd,      ///< with momentum
  rmsprop,  ///< Tieleman and Hinton 2012: mean of squares with factor 0.9, epsilon 1e-8
};

struct OptimiserSettings {
  OptimiserKind kind = OptimiserKind::adam;
  double weight_decay = 0;  ///< times the weights, added to the gradient
  double momentum = 0;      ///< of sgd
  double clip_norm = 0;     ///< gradients of a larger Euclidean norm are shortened to it; 0: never
};

/// Changes parameters against their gradients. Parameters and gradients are moved into one flat
/// tensor each, so that a step is one pass over memory on a CPU and a handful of kernels on a GPU,
/// however many layers there are. The modules must not be moved to another device after.
class Optimiser {
 public:
  Optimiser(const std::vector<torch::nn::Module*>& modules, const OptimiserSettings& settings);

  void zero_gradients() { gradients_.zero_(); }
  /// One update with this learning rate.
  void step(double learning_rate);
  /// Whether every parameter is a finite number.
  bool finite() const;
  std::int64_t steps() const { return steps_; }

  /// The parameters, whose gradients lie in `gradients` one after the other.
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  const torch::Tensor& gradients() const { return gradients_; }

  /// Running means and step count, named `prefix` + "first", "second", "steps".
  void save(const std::string& prefix, TensorMap& tensors) const;
  /// Throws UserError where a tensor is missing or of another length.
  void load(const std::string& prefix, const TensorMap& tensors);

 private:
  void clip();
  void step_in_one_pass(double learning_rate);
  void step_by_tensors(double learning_rate);

  OptimiserSettings settings_;
  std::int64_t steps_ = 0;
  std::vector<torch::Tensor> parameters_;
  torch::Tensor values_;
  torch::Tensor gradients_;
  torch::Tensor first_;   // Adam's first moment; SGD's velocity; empty for RMSProp
  torch::Tensor second_;  // mean of squares; empty for SGD
};

}  // namespace coterie
