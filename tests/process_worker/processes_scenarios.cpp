#include <signal.h>
#include <unistd.h>

#include "scenarios.h"

namespace coterie::scenarios {
namespace {

torch::Tensor leaf(std::vector<float> values, at::IntArrayRef shape) {
  return torch::tensor(values).view(shape).requires_grad_();
}

void gather(const Processes& processes) {
  const auto rank = static_cast<float>(processes.rank());
  const auto size = processes.size();
  const auto local = leaf({rank, 10 * rank}, {1, 2});
  const auto all = processes.gather(local);
  for (int r = 0; r < size; ++r) {
    require(all[r][0].item<float>() == static_cast<float>(r), "row in the order of ranks");
    require(all[r][1].item<float>() == static_cast<float>(10 * r), "its second value");
  }
  // The loss of process p is (p + 1) * sum over r, c of weight[r][c] * all[r][c]: the losses
  // together have the gradient weight[rank] * (1 + ... + size) for this process's row.
  const auto weight = torch::arange(1, 1 + 2 * size, torch::kFloat).view({size, 2});
  ((rank + 1) * weight * all).sum().backward();
  const int factor = size * (size + 1) / 2;
  require_close(local.grad(), weight.narrow(0, processes.rank(), 1) * factor, 0, "gradient");

  const auto indices = torch::tensor({std::int64_t{7} * processes.rank()});
  require_close(processes.gather(indices), torch::arange(size, torch::kLong) * 7, 0, "integers");
}

void sum(const Processes& processes) {
  const auto rank = static_cast<float>(processes.rank());
  const auto local = leaf({rank, 1}, {2});
  const auto total = processes.sum(local);
  // 0 + 1 = 1 and 0 + 1 + 2 = 3.
  const float first = processes.size() == 2 ? 1.0F : 3.0F;
  const auto size = static_cast<float>(processes.size());
  require_close(total, torch::tensor({first, size}), 0, "sum");
  require(local[0].item<float>() == rank, "the local values stay as they were");
  // Losses (p + 1) * total^2: together their gradient is (1 + ... + size) * 2 * total.
  ((rank + 1) * total.square()).sum().backward();
  const float factor = processes.size() == 2 ? 3.0F : 6.0F;
  require_close(local.grad(), 2 * factor * torch::tensor({first, size}), 0, "gradient");

  auto slice = torch::full({3}, rank + 1);
  auto pending = processes.start_sum(slice);
  pending.wait();
  require_close(slice, torch::full({3}, factor), 0, "started sum");
}

void broadcast(const Processes& processes) {
  const float own = processes.first() ? 5.0F : 0.0F;
  auto values = torch::full({2, 3}, own).t();  // not contiguous
  values.requires_grad_();
  processes.broadcast(values);
  require_close(values, torch::full({3, 2}, 5.0F), 0, "tensor");
  using namespace std::string_literals;
  require(processes.broadcast(processes.first() ? "a\0b"s : "other"s) == "a\0b"s, "bytes");
  require(processes.broadcast(processes.first() ? ""s : "other"s).empty(), "no bytes");
}

void any(const Processes& processes) {
  require(processes.any(processes.rank() == processes.size() - 1), "one flag is enough");
  require(!processes.any(false), "none is set");
  processes.barrier();
}

void killed(const Processes& processes) {
  if (!processes.first()) raise(SIGKILL);
  processes.barrier();
}

void killed_in_backward(const Processes& processes) {
  const auto local = leaf({1, 2}, {1, 2});
  const auto loss = processes.gather(local).square().sum();
  if (!processes.first()) raise(SIGKILL);
  loss.backward();
}

/// The process is there, but says nothing.
void silent(const Processes& processes) {
  if (!processes.first()) raise(SIGSTOP);
  processes.barrier();
}

}  // namespace

Scenarios of_processes() {
  return {{"gather", gather}, {"sum", sum},       {"broadcast", broadcast},
          {"any", any},       {"killed", killed}, {"killed_in_backward", killed_in_backward},
          {"silent", silent}};
}

}  // namespace coterie::scenarios
