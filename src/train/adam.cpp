#include "coterie/train/adam.h"

#include <cmath>

#include "coterie/core/error.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

}  // namespace

Adam::Adam(const std::vector<torch::nn::Module*>& modules, double weight_decay)
    : weight_decay_(weight_decay) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parameters;
  std::vector<torch::Tensor> flat;
  for (auto* module : modules)
    for (auto& parameter : module->parameters()) {
      parameters.push_back(parameter);
      flat.push_back(parameter.flatten());
    }
  values_ = torch::cat(flat);
  gradients_ = torch::zeros_like(values_);
  first_ = torch::zeros_like(values_);
  second_ = torch::zeros_like(values_);
  std::int64_t offset = 0;
  for (auto& parameter : parameters) {
    const auto count = parameter.numel();
    parameter.set_data(values_.narrow(0, offset, count).view(parameter.sizes()));
    parameter.mutable_grad() = gradients_.narrow(0, offset, count).view(parameter.sizes());
    offset += count;
  }
}

void Adam::zero_gradients() { gradients_.zero_(); }

void Adam::step(double learning_rate) {
  torch::NoGradGuard no_grad;
  ++steps_;
  if (weight_decay_ != 0) gradients_.add_(values_, weight_decay_);
  first_.mul_(kBeta1).add_(gradients_, 1 - kBeta1);
  second_.mul_(kBeta2).addcmul_(gradients_, gradients_, 1 - kBeta2);
  const double correction1 = 1 - std::pow(kBeta1, static_cast<double>(steps_));
  const double correction2 = 1 - std::pow(kBeta2, static_cast<double>(steps_));
  const auto root = second_.sqrt().mul_(1 / std::sqrt(correction2)).add_(kEpsilon);
  values_.addcdiv_(first_, root, -learning_rate / correction1);
}

bool Adam::finite() const { return torch::isfinite(values_).all().item<bool>(); }

void Adam::save(const std::string& prefix, TensorMap& tensors) const {
  tensors[prefix + "first"] = from_torch(first_);
  tensors[prefix + "second"] = from_torch(second_);
  tensors[prefix + "steps"] = make_tensor<std::int64_t>({1}, std::span(&steps_, 1));
}

void Adam::load(const std::string& prefix, const TensorMap& tensors) {
  const auto find = [&](const std::string& name, std::int64_t count) -> const Tensor& {
    const auto found = tensors.find(prefix + name);
    if (found == tensors.end()) throw UserError("the optimiser state lacks {}{}", prefix, name);
    if (found->second.shape != std::vector<std::int64_t>{count})
      throw UserError("the optimiser state {}{} holds {} values, this network has {}", prefix, name,
                      found->second.count(), count);
    return found->second;
  };
  torch::NoGradGuard no_grad;
  const auto first = to_torch(find("first", values_.numel()));
  const auto second = to_torch(find("second", values_.numel()));
  const auto steps = find("steps", 1).values<std::int64_t>()[0];
  first_.copy_(first);
  second_.copy_(second);
  steps_ = steps;
}

}  // namespace coterie
