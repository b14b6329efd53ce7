#include "coterie/nn/batch_norm.h"

namespace coterie {
namespace {

struct Statistics {
  torch::Tensor count;     // [1], values per channel
  torch::Tensor mean;      // [1, C, 1...]
  torch::Tensor centred;   // the values less their mean
  torch::Tensor variance;  // [1, C, 1...], biased
};

/// Over the values of all processes. Two sums, since the mean square less the squared mean would
/// lose the digits of channels whose mean is large. How many values each process has may differ.
Statistics global_statistics(const torch::Tensor& values, const SumOverProcesses& sum) {
  std::vector<std::int64_t> others;
  for (std::int64_t d = 0; d < values.dim(); ++d)
    if (d != 1) others.push_back(d);
  const auto channels = values.size(1);
  auto shape = std::vector<std::int64_t>(values.dim(), 1);
  shape[1] = channels;

  const auto own_count = torch::full({1}, values.numel() / channels, values.options());
  const auto sums = sum(torch::cat({values.sum(others), own_count}));
  const auto count = sums.narrow(0, channels, 1);
  const auto mean = (sums.narrow(0, 0, channels) / count).view(shape);
  const auto centred = values - mean;
  const auto variance = (sum(centred.square().sum(others)) / count).view(shape);
  return {count, mean, centred, variance};
}

}  // namespace

template <std::size_t D>
void BatchNormImpl<D>::_check_input_dim(const torch::Tensor& input) {
  const auto dimensions = input.dim();
  TORCH_CHECK(D == 1 ? dimensions == 2 || dimensions == 3 : dimensions == D + 2, "batch norm of ",
              D, " dimensions got a tensor of shape ", input.sizes());
}

template <std::size_t D>
torch::Tensor BatchNormImpl<D>::forward(const torch::Tensor& input) {
  _check_input_dim(input);
  const bool training = this->is_training();
  const bool tracking = this->options.track_running_stats();
  if (training && tracking) this->num_batches_tracked += 1;
  double momentum = this->options.momentum().value_or(0);
  if (training && tracking && !this->options.momentum())
    momentum = 1 / this->num_batches_tracked.template item<double>();
  if (training && batches_) momentum = 1 / static_cast<double>(++*batches_);
  if (!training || !sum_ || batches_)
    return torch::nn::functional::detail::batch_norm(
        input, this->running_mean, this->running_var, this->weight, this->bias,
        training || !tracking, momentum, this->options.eps());

  // Half precision has too few digits for sums of squares.
  const auto values = input.to(at::promote_types(input.scalar_type(), torch::kFloat));
  const Statistics all = global_statistics(values, sum_);
  if (tracking) {
    torch::NoGradGuard no_grad;
    const auto unbiased = all.variance * (all.count / (all.count - 1));
    this->running_mean.lerp_(all.mean.flatten(), momentum);
    this->running_var.lerp_(unbiased.flatten(), momentum);
  }
  auto output = all.centred * (all.variance + this->options.eps()).rsqrt();
  if (this->options.affine())
    output = output * this->weight.view(all.mean.sizes()) + this->bias.view(all.mean.sizes());
  return output.to(input.scalar_type());
}

template class BatchNormImpl<1>;
template class BatchNormImpl<2>;

namespace {

void for_each_norm(torch::nn::Module& root,
                   const std::function<void(SynchronisedBatchNorm&)>& work) {
  for (const auto& module : root.modules(/*include_self=*/false))
    if (auto* norm = dynamic_cast<SynchronisedBatchNorm*>(module.get())) work(*norm);
  if (auto* norm = dynamic_cast<SynchronisedBatchNorm*>(&root)) work(*norm);
}

}  // namespace

void synchronise_batch_norms(torch::nn::Module& root, const SumOverProcesses& sum) {
  for_each_norm(root, [&](SynchronisedBatchNorm& norm) { norm.synchronise(sum); });
}

void renew_running_statistics(const std::vector<torch::nn::Module*>& roots,
                              const std::function<void()>& see_all) {
  const auto for_all = [&](const std::function<void(SynchronisedBatchNorm&)>& work) {
    for (torch::nn::Module* root : roots) for_each_norm(*root, work);
  };
  for (torch::nn::Module* root : roots) root->train();
  bool any = false;
  for_all([&](SynchronisedBatchNorm& norm) {
    norm.begin_mean();
    any = true;
  });
  if (!any) return;
  const auto end = [&] { for_all([](SynchronisedBatchNorm& norm) { norm.end_mean(); }); };
  try {
    torch::NoGradGuard no_grad;
    see_all();
  } catch (...) {
    end();
    throw;
  }
  end();
}

}  // namespace coterie
