#include "coterie/methods/whitened_features.h"

#include "coterie/nn/tensors.h"
#include "coterie/shallow/whitening.h"

namespace coterie {

WhitenedFeatures::WhitenedFeatures(std::int64_t width)
    : mean_(register_buffer("mean", torch::zeros({1, width}, torch::kDouble))),
      map_(register_buffer("map", torch::zeros({width, width}, torch::kDouble))) {}

void WhitenedFeatures::renew(const Matrix<float>& features, double share) {
  Whitening whitening;
  whitening.fit(features, share);
  const TensorMap learned = whitening.save();
  const auto map = to_torch(learned.at("map"));
  mean_.copy_(to_torch(learned.at("mean")));
  map_.zero_();
  map_.narrow(1, 0, map.size(1)).copy_(map);
}

torch::Tensor WhitenedFeatures::of(const torch::Tensor& features) const {
  return (features.to(torch::kDouble) - mean_).mm(map_);
}

}  // namespace coterie
