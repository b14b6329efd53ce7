#include "coterie/train/gradient_reducer.h"
#include "scenarios.h"

namespace coterie::scenarios {
namespace {

struct Net : torch::nn::Module {
  torch::nn::Conv2d conv{torch::nn::Conv2dOptions(1, 3, 3)};
  torch::nn::Linear twice{12, 12};  // stands in the graph two times
  torch::nn::Linear unused{4, 4};
  torch::nn::Linear head{12, 2};

  Net() {
    register_module("conv", conv);
    register_module("twice", twice);
    register_module("unused", unused);
    register_module("head", head);
  }
  torch::Tensor loss(const torch::Tensor& images) {
    const auto maps = torch::tanh(conv(images)).flatten(1);
    return head(torch::tanh(twice(torch::tanh(twice(maps))))).square().mean();
  }
};

/// Makes the gradients of `net` views into one flat tensor.
torch::Tensor flatten_gradients(Net& net) {
  std::int64_t count = 0;
  for (const auto& parameter : net.parameters()) count += parameter.numel();
  const auto flat = torch::zeros(count);
  std::int64_t offset = 0;
  for (auto& parameter : net.parameters()) {
    parameter.mutable_grad() = flat.narrow(0, offset, parameter.numel()).view(parameter.sizes());
    offset += parameter.numel();
  }
  return flat;
}

/// Gradients of halves, averaged, are those of the whole; in every step, with buckets of this size.
void average(const Processes& processes, std::int64_t bucket_bytes) {
  Net whole, part;
  for (std::size_t i = 0; i < whole.parameters().size(); ++i)
    part.parameters()[i].set_data(whole.parameters()[i].detach().clone());
  const auto expected = flatten_gradients(whole), actual = flatten_gradients(part);
  GradientReducer reducer(part.parameters(), actual, processes, bucket_bytes);
  for (int step = 0; step < 3; ++step) {
    const auto images = torch::randn({4 * processes.size(), 1, 4, 4});
    expected.zero_();
    actual.zero_();
    whole.loss(images).backward();
    reducer.start();
    part.loss(own_part(images, processes)).backward();
    reducer.finish();
    require(expected.abs().max().item<float>() > 0, "gradients exist");
    require_close(actual, expected, 1e-6, "gradients of step " + std::to_string(step));
    require(part.unused->weight.grad().abs().max().item<float>() == 0, "no part, no gradient");
  }
}

void one_bucket(const Processes& processes) { average(processes, 1 << 20); }
void bucket_for_each(const Processes& processes) { average(processes, 1); }
void some_buckets(const Processes& processes) { average(processes, 256); }

/// A parameter that takes part in one process alone is averaged with nothing from the others.
void part_of_one(const Processes& processes) {
  auto first = torch::zeros({2}).requires_grad_(), second = torch::zeros({3}).requires_grad_();
  const auto flat = torch::zeros(5);
  first.mutable_grad() = flat.narrow(0, 0, 2);
  second.mutable_grad() = flat.narrow(0, 2, 3);
  GradientReducer reducer({first, second}, flat, processes, 1);
  reducer.start();
  auto loss = first.sum();
  if (processes.first()) loss = loss + second.sum();
  loss.backward();
  // From the back: where the second took part, both sums went on while others were computed.
  require(reducer.begun() == (processes.first() ? 2 : 0), "sums begin in the backward pass");
  reducer.finish();
  const float share = 1.0F / static_cast<float>(processes.size());
  require_close(flat, torch::tensor({1.0F, 1.0F, share, share, share}), 1e-6, "averages");
}

void hooks_go(const Processes& processes) {
  const auto parameter = torch::ones({2}).requires_grad_();
  auto flat = torch::zeros(2);
  parameter.mutable_grad() = flat;
  { GradientReducer reducer({parameter}, flat, processes); }
  // Would reach a reducer that is gone.
  parameter.sum().backward();
  require_close(flat, torch::ones(2), 0, "gradient without a reducer");
}

void two_backward_passes(const Processes& processes) {
  const auto parameter = torch::ones({2}).requires_grad_();
  auto flat = torch::zeros(2);
  parameter.mutable_grad() = flat;
  GradientReducer reducer({parameter}, flat, processes);
  reducer.start();
  parameter.sum().backward();
  bool refused = false;
  try {
    parameter.sum().backward();
  } catch (const std::logic_error&) {
    refused = true;
  }
  reducer.finish();
  require(refused, "a second backward pass would be lost");
}

}  // namespace

Scenarios of_reducer() {
  return {{"one_bucket", one_bucket},     {"bucket_for_each", bucket_for_each},
          {"some_buckets", some_buckets}, {"part_of_one", part_of_one},
          {"hooks_go", hooks_go},         {"two_backward_passes", two_backward_passes}};
}

}  // namespace coterie::scenarios
