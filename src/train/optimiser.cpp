#include "coterie/train/optimiser.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "coterie/core/error.h"
#include "coterie/nn/tensors.h"
#include "coterie/train/update_rules.h"

namespace coterie {
namespace {

constexpr std::int64_t kGrain = 1 << 14;  // values that are worth a thread

/// Whether a tensor lies with its channels last, and in that way alone.
bool channels_last_only(const torch::Tensor& tensor) {
  return tensor.dim() == 4 && !tensor.is_contiguous() &&
         tensor.is_contiguous(torch::MemoryFormat::ChannelsLast);
}

/// The values of a tensor in the order in which they lie in memory.
torch::Tensor flat_in_memory_order(const torch::Tensor& tensor) {
  return channels_last_only(tensor) ? tensor.permute({0, 2, 3, 1}).flatten() : tensor.flatten();
}

/// A part of `flat` that looks as `like` does, in shape and layout.
torch::Tensor part_like(const torch::Tensor& flat, std::int64_t offset, const torch::Tensor& like) {
  const auto part = flat.narrow(0, offset, like.numel());
  if (!channels_last_only(like)) return part.view(like.sizes());
  return part.view({like.size(0), like.size(2), like.size(3), like.size(1)}).permute({0, 3, 1, 2});
}

/// `rule(begin, end)` over parts of `count` values, on libtorch's threads.
template <class Rule>
void in_parts(std::int64_t count, const Rule& rule) {
  at::parallel_for(0, count, kGrain, rule);
}

AdamPace adam_pace(double learning_rate, std::int64_t steps) {
  const auto remains = [&](double beta) { return 1 - std::pow(beta, static_cast<double>(steps)); };
  return {static_cast<float>(learning_rate / remains(0.9)),
          static_cast<float>(1 / std::sqrt(remains(0.999)))};
}

}  // namespace

Optimiser::Optimiser(const std::vector<torch::nn::Module*>& modules,
                     const OptimiserSettings& settings)
    : settings_(settings) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> flat;
  for (auto* module : modules)
    for (auto& parameter : module->parameters()) {
      if (!parameter.requires_grad()) continue;
      parameters_.push_back(parameter);
      flat.push_back(flat_in_memory_order(parameter));
    }
  values_ = torch::cat(flat);
  gradients_ = torch::zeros_like(values_);
  if (settings.kind != OptimiserKind::rmsprop) first_ = torch::zeros_like(values_);
  if (settings.kind != OptimiserKind::sgd) second_ = torch::zeros_like(values_);
  std::int64_t offset = 0;
  for (auto& parameter : parameters_) {
    const torch::Tensor like = parameter.detach();
    parameter.set_data(part_like(values_, offset, like));
    parameter.mutable_grad() = part_like(gradients_, offset, like);
    offset += like.numel();
  }
}

void Optimiser::clip() {
  if (settings_.clip_norm <= 0) return;
  // Stays on the device: a look at the norm would make a GPU wait.
  gradients_.mul_((settings_.clip_norm / (gradients_.norm() + 1e-12)).clamp_max(1.0));
}

void Optimiser::step(double learning_rate) {
  torch::NoGradGuard no_grad;
  ++steps_;
  clip();
  if (values_.device().is_cpu()) {
    step_in_one_pass(learning_rate);
  } else {
    step_by_tensors(learning_rate);
  }
}

void Optimiser::step_in_one_pass(double learning_rate) {
  const auto rate = static_cast<float>(learning_rate);
  const auto decay = static_cast<float>(settings_.weight_decay);
  const auto momentum = static_cast<float>(settings_.momentum);
  const AdamPace pace = adam_pace(learning_rate, steps_);
  float* v = values_.data_ptr<float>();
  const float* g = gradients_.data_ptr<float>();
  float* a = first_.defined() ? first_.data_ptr<float>() : nullptr;
  float* b = second_.defined() ? second_.data_ptr<float>() : nullptr;
  in_parts(values_.numel(), [&](std::int64_t i, std::int64_t end) {
    switch (settings_.kind) {
      case OptimiserKind::adam:
        return adam_rule(end - i, v + i, g + i, a + i, b + i, pace, decay);
      case OptimiserKind::sgd:
        return sgd_rule(end - i, v + i, g + i, a + i, rate, momentum, decay);
      case OptimiserKind::rmsprop:
        return rmsprop_rule(end - i, v + i, g + i, b + i, rate, decay);
    }
  });
}

void Optimiser::step_by_tensors(double learning_rate) {
  if (settings_.weight_decay != 0) gradients_.add_(values_, settings_.weight_decay);
  switch (settings_.kind) {
    case OptimiserKind::adam: {
      const AdamPace pace = adam_pace(learning_rate, steps_);
      first_.lerp_(gradients_, 1 - kAdamBeta1);
      second_.mul_(kAdamBeta2).addcmul_(gradients_, gradients_, 1 - kAdamBeta2);
      values_.addcdiv_(first_, second_.sqrt().mul_(pace.scale).add_(kOptimiserEpsilon),
                       -pace.rate);
      return;
    }
    case OptimiserKind::sgd:
      first_.mul_(settings_.momentum).add_(gradients_);
      values_.add_(first_, -learning_rate);
      return;
    case OptimiserKind::rmsprop:
      second_.mul_(kRmsSmoothing).addcmul_(gradients_, gradients_, 1 - kRmsSmoothing);
      values_.addcdiv_(gradients_, second_.sqrt().add_(kOptimiserEpsilon), -learning_rate);
      return;
  }
}

bool Optimiser::finite() const { return torch::isfinite(values_).all().item<bool>(); }

void Optimiser::save(const std::string& prefix, TensorMap& tensors) const {
  if (first_.defined()) tensors[prefix + "first"] = from_torch(first_);
  if (second_.defined()) tensors[prefix + "second"] = from_torch(second_);
  tensors[prefix + "steps"] = make_tensor<std::int64_t>({1}, std::span(&steps_, 1));
}

void Optimiser::load(const std::string& prefix, const TensorMap& tensors) {
  const auto find = [&](const std::string& name, std::int64_t count) -> const Tensor& {
    const auto found = tensors.find(prefix + name);
    if (found == tensors.end()) throw UserError("the optimiser state lacks {}{}", prefix, name);
    if (found->second.shape != std::vector<std::int64_t>{count})
      throw UserError("the optimiser state {}{} holds {} values, this network has {}", prefix, name,
                      found->second.count(), count);
    return found->second;
  };
  torch::NoGradGuard no_grad;
  torch::Tensor first, second;
  if (first_.defined()) first = to_torch(find("first", values_.numel()));
  if (second_.defined()) second = to_torch(find("second", values_.numel()));
  steps_ = find("steps", 1).values<std::int64_t>()[0];
  if (first_.defined()) first_.copy_(first);
  if (second_.defined()) second_.copy_(second);
}

}  // namespace coterie
