#pragma once

#include <cstdint>
#include <vector>

#include "coterie/nn/tensors.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// A label for each image of a data set, as checkpoints hold them: what a head is to learn.
class ImageLabels : public torch::nn::Module {
 public:
  explicit ImageLabels(std::int64_t images)
      : labels_(register_buffer("labels", torch::zeros({images}, torch::kLong))) {}
  void set(const std::vector<std::int32_t>& labels) {
    labels_.copy_(torch::tensor(labels, torch::TensorOptions(torch::kLong)));
  }
  /// Of these images, [B] int64.
  torch::Tensor of(const std::vector<std::int64_t>& images) const {
    return rows_of(labels_, images);
  }

 private:
  torch::Tensor labels_;
};

}  // namespace coterie
