#include "coterie/train/gradient_reducer.h"

#include <stdexcept>
#include <utility>

namespace coterie {

/// Called by libtorch when it has added to a parameter's gradient: once in a backward pass, also
/// where the parameter stands in several places of the graph.
class GradientReducer::Ready : public torch::autograd::FunctionPostHook {
 public:
  Ready(GradientReducer* reducer, std::size_t bucket) : reducer_(reducer), bucket_(bucket) {}
  torch::autograd::variable_list operator()(
      const torch::autograd::variable_list& outputs,
      const torch::autograd::variable_list& /*inputs*/) override {
    reducer_->gradient_ready(bucket_);
    return outputs;
  }

 private:
  GradientReducer* reducer_;
  std::size_t bucket_;
};

GradientReducer::GradientReducer(const std::vector<torch::Tensor>& parameters,
                                 torch::Tensor gradients, const Processes& processes,
                                 std::int64_t bucket_bytes)
    : processes_(processes), gradients_(std::move(gradients)) {
  if (processes_.size() == 1) return;
  std::int64_t end = gradients_.numel(), begin = end;
  int count = 0;
  for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
    begin -= parameter->numel();
    ++count;
    auto accumulator = torch::autograd::impl::grad_accumulator(*parameter);
    const auto key = accumulator->add_post_hook(std::make_unique<Ready>(this, buckets_.size()));
    hooks_.push_back({std::move(accumulator), key});
    const bool full = (end - begin) * gradients_.element_size() >= bucket_bytes;
    if (!full && std::next(parameter) != parameters.rend()) continue;
    buckets_.push_back({gradients_.narrow(0, begin, end - begin), count});
    end = begin;
    count = 0;
  }
}

GradientReducer::~GradientReducer() {
  for (const Hook& hook : hooks_) hook.accumulator->del_post_hook(hook.key);
}

void GradientReducer::start() {
  for (Bucket& bucket : buckets_) bucket.missing = bucket.parameters;
  pending_.clear();
  active_ = true;
}

void GradientReducer::gradient_ready(std::size_t bucket) {
  if (!active_) return;
  if (--buckets_[bucket].missing < 0)
    throw std::logic_error("two backward passes between start and finish of the reducer");
  // Buckets begin in one order in all processes, in whatever order they fill up.
  while (pending_.size() < buckets_.size() && buckets_[pending_.size()].missing == 0)
    start_bucket();
}

void GradientReducer::start_bucket() {
  pending_.push_back(processes_.start_sum(buckets_[pending_.size()].gradients));
}

void GradientReducer::finish() {
  active_ = false;
  while (pending_.size() < buckets_.size()) start_bucket();
  for (auto& sum : pending_) sum.wait();
  pending_.clear();
  if (processes_.size() > 1) gradients_.div_(processes_.size());
}

}  // namespace coterie
