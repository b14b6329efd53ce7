#include "coterie/nn/conv_net.h"

#include <cmath>

namespace coterie {

ConvNetImpl::ConvNetImpl(std::int64_t channels, std::int64_t width) {
  using namespace torch::nn;
  std::int64_t input = channels;
  for (const std::int64_t output : {64, 128, 256}) {
    for (int i = 0; i < 3; ++i) {
      convolutions_->push_back(Conv2d(Conv2dOptions(input, output, 3).padding(1)));
      convolutions_->push_back(ReLU());
      input = output;
    }
    convolutions_->push_back(MaxPool2d(MaxPool2dOptions(2)));
  }
  convolutions_->push_back(Conv2d(Conv2dOptions(input, width, 1)));
  convolutions_->push_back(ReLU());
  register_module("convolutions", convolutions_);
  last_ = register_module("last", Linear(width, width));
}

torch::Tensor ConvNetImpl::forward(const torch::Tensor& images) {
  return last_->forward(convolutions_->forward(images).mean({2, 3}));
}

void ConvNetImpl::initialise(RandomStream& stream) {
  torch::NoGradGuard no_grad;
  for (const auto& entry : named_parameters()) {
    torch::Tensor values = entry.value();
    if (values.dim() == 1) {  // a bias
      values.zero_();
      continue;
    }
    const std::int64_t places = values.dim() == 4 ? values.size(2) * values.size(3) : 1;
    const double bound =
        std::sqrt(6.0 / static_cast<double>(places * (values.size(0) + values.size(1))));
    auto drawn = torch::empty(values.sizes(), torch::kFloat);
    auto* out = drawn.data_ptr<float>();
    for (std::int64_t i = 0; i < drawn.numel(); ++i)
      out[i] = static_cast<float>((2 * stream.uniform() - 1) * bound);
    values.copy_(drawn);
  }
}

}  // namespace coterie
