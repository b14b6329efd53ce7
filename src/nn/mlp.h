#pragma once

#include <cstdint>
#include <vector>

#include "coterie/nn/torch.h"

namespace coterie {

/// Widths and extras of a small network of linear layers.
struct MlpShape {
  std::int64_t input = 0;
  std::vector<std::int64_t> hidden;  ///< widths between; empty: one linear layer
  std::int64_t output = 0;
  bool batch_norm = false;  ///< after each hidden layer, before its ReLU
  double dropout = 0;       ///< part of the hidden values that training sets to zero
};

/// Linear layers with (batch norm,) ReLU (and dropout) between them: the projectors, cluster heads
/// and self-labelling heads of all methods. The last layer's values come out as they are.
class MlpImpl : public torch::nn::Module {
 public:
  explicit MlpImpl(const MlpShape& shape);
  /// [B, input] to [B, output].
  torch::Tensor forward(const torch::Tensor& rows) { return last(hidden(rows)); }
  /// What the last layer takes, [B, width of the last hidden layer].
  torch::Tensor hidden(const torch::Tensor& rows);
  /// The last layer alone.
  torch::Tensor last(const torch::Tensor& hidden);
  const MlpShape& shape() const { return shape_; }

 private:
  MlpShape shape_;
  torch::nn::Sequential layers_;
};
TORCH_MODULE(Mlp);

}  // namespace coterie
