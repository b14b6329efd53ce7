#include "coterie/nn/mlp.h"

#include "coterie/nn/batch_norm.h"

namespace coterie {

MlpImpl::MlpImpl(const MlpShape& shape) : shape_(shape) {
  std::int64_t width = shape.input;
  for (const std::int64_t next : shape.hidden) {
    layers_->push_back(torch::nn::Linear(width, next));
    if (shape.batch_norm) layers_->push_back(BatchNorm1d(next));
    layers_->push_back(torch::nn::ReLU(torch::nn::ReLUOptions(true)));
    if (shape.dropout > 0) layers_->push_back(torch::nn::Dropout(shape.dropout));
    width = next;
  }
  layers_->push_back(torch::nn::Linear(width, shape.output));
  register_module("layers", layers_);
}

torch::Tensor MlpImpl::hidden(const torch::Tensor& rows) {
  torch::Tensor values = rows;
  for (std::size_t i = 0; i + 1 < layers_->size(); ++i)
    values = (*(layers_->begin() + static_cast<std::ptrdiff_t>(i))).forward(values);
  return values;
}

torch::Tensor MlpImpl::last(const torch::Tensor& hidden) {
  return (*(layers_->end() - 1)).forward(hidden);
}

}  // namespace coterie
