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

}  // namespace coterie
