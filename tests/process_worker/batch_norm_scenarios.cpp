#include "coterie/nn/batch_norm.h"
#include "scenarios.h"

namespace coterie::scenarios {
namespace {

/// Trains `Ours` on this process's part and `Theirs` on the whole batch, and compares all that
/// follows. `begin` and `count`: rows of this process.
template <class Ours, class Theirs>
void compare(const Processes& processes, const torch::Tensor& batch, std::int64_t begin,
             std::int64_t count) {
  Ours ours(batch.size(1));
  Theirs theirs(batch.size(1));
  const auto weight = torch::randn({batch.size(1)}), bias = torch::randn({batch.size(1)});
  for (auto* norm : {static_cast<torch::nn::Module*>(ours.get()),
                     static_cast<torch::nn::Module*>(theirs.get())}) {
    norm->named_parameters()["weight"].set_data(weight.clone());
    norm->named_parameters()["bias"].set_data(bias.clone());
  }
  synchronise_batch_norms(*ours, [&](const torch::Tensor& local) { return processes.sum(local); });

  const auto target = torch::randn(batch.sizes());
  for (int step = 0; step < 2; ++step) {
    const auto whole = batch.clone().requires_grad_();
    const auto part = batch.narrow(0, begin, count).clone().requires_grad_();
    const auto expected = theirs(whole), actual = ours(part);
    require_close(actual, expected.narrow(0, begin, count), 1e-5, "output");
    (expected * target).sum().backward();
    (actual * target.narrow(0, begin, count)).sum().backward();
    require_close(part.grad(), whole.grad().narrow(0, begin, count), 1e-5, "gradient of the input");
  }
  require_close(processes.sum(ours->weight.grad()), theirs->weight.grad(), 1e-4, "of the weight");
  require_close(processes.sum(ours->bias.grad()), theirs->bias.grad(), 1e-4, "of the bias");
  require_close(ours->running_mean, theirs->running_mean, 1e-5, "running mean");
  require_close(ours->running_var, theirs->running_var, 1e-5, "running variance");
  require(ours->num_batches_tracked.template item<std::int64_t>() == 2, "batches counted");

  ours->eval();
  theirs->eval();
  require_close(ours(batch), theirs(batch), 1e-5, "in eval mode");
}

/// Values that differ between processes: later rows have a larger mean and spread.
torch::Tensor uneven(at::IntArrayRef shape) {
  const auto rows = torch::arange(shape[0], torch::kFloat);
  std::vector<std::int64_t> column(shape.size(), 1);
  column[0] = shape[0];
  const auto slope = rows.view(column);
  return torch::randn(shape) * (1 + slope / 4) + slope;
}

void norm_1d(const Processes& processes) {
  const auto batch = uneven({4 * processes.size(), 3});
  compare<BatchNorm1d, torch::nn::BatchNorm1d>(processes, batch, 4 * processes.rank(), 4);
}

void norm_2d(const Processes& processes) {
  const auto batch = uneven({3 * processes.size(), 2, 3, 3});
  compare<BatchNorm2d, torch::nn::BatchNorm2d>(processes, batch, 3 * processes.rank(), 3);
}

/// Process r has r + 1 rows of the batch.
void norm_uneven_parts(const Processes& processes) {
  const int rank = processes.rank(), size = processes.size();
  const auto batch = uneven({size * (size + 1) / 2, 3, 5});
  compare<BatchNorm1d, torch::nn::BatchNorm1d>(processes, batch, rank * (rank + 1) / 2, rank + 1);
}

}  // namespace

Scenarios of_batch_norm() {
  return {{"norm_1d", norm_1d}, {"norm_2d", norm_2d}, {"norm_uneven_parts", norm_uneven_parts}};
}

}  // namespace coterie::scenarios
