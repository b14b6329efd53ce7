#pragma once

#include <memory>

#include "coterie/methods/autoencoder_method.h"
#include "coterie/nn/batch_norm.h"
#include "coterie/nn/mlp.h"

namespace coterie {

/// What a softmax head begins with.
enum class HeadStart {
  pac,     ///< learns PAC's clusters of the codes first
  kmeans,  ///< learns those of k-means
  random,  ///< its random weights
};

/// Its parameters.
struct HeadParams {
  HeadStart start = HeadStart::pac;
  std::int64_t start_epochs = 5;
  bool last_relu = false;  ///< batch norm and ReLU between the last layer and the softmax
};

template <class Params>
void add_head_fields(Fields<Params>& fields) {
  fields
      .template choice<HeadStart>(
          "start", &Params::start,
          {{"pac", HeadStart::pac}, {"kmeans", HeadStart::kmeans}, {"random", HeadStart::random}},
          "what the head learns first, the encoder held: clusters of the codes, or nothing")
      .template number<std::int64_t>("start_epochs", &Params::start_epochs, between(1, 1000),
                                     "passes over the images for that")
      .flag("last_relu", &Params::last_relu,
            "batch norm and ReLU before the softmax, as the paper prints it");
}

/// The clustering layers of Yu et al. (2021), table 3: features, 64 with batch norm and ReLU, K
/// (with batch norm and ReLU), softmax.
class SoftmaxHead : public ClusterHead {
 public:
  SoftmaxHead(std::int64_t features, std::int64_t clusters, bool last_relu, RandomStream& weights);
  torch::Tensor probabilities(const torch::Tensor& features, const torch::Tensor&) override {
    return logits(features).softmax(1);
  }
  torch::Tensor logits(const torch::Tensor& features);

 private:
  Mlp layers_;
  BatchNorm1d last_norm_{nullptr};
};

/// Clusters of the autoencoder's codes (whitened, cosine distance), [N] labels.
std::vector<std::int32_t> clusters_of_codes(HeadStart start, const Matrix<float>& codes,
                                            std::int64_t clusters, const FitContext& context);

}  // namespace coterie
