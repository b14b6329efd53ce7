#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "coterie/core/params.h"
#include "coterie/methods/method.h"
#include "coterie/train/engine.h"

namespace coterie {

/// What a softmax head begins with.
enum class HeadStart {
  pac,     ///< learns PAC's clusters of the codes first
  kmeans,  ///< learns those of k-means
  random,  ///< its random weights
};

struct HeadStartParams {
  HeadStart start = HeadStart::pac;
  std::int64_t start_epochs = 5;
};

template <class Params>
void add_head_start_fields(Fields<Params>& fields) {
  fields
      .template choice<HeadStart>(
          "start", &Params::start,
          {{"pac", HeadStart::pac}, {"kmeans", HeadStart::kmeans}, {"random", HeadStart::random}},
          "what the head learns first, the network before it held: clusters of the codes, or "
          "nothing")
      .template number<std::int64_t>(
          "start_epochs", &Params::start_epochs, between(1, 1000),
          "passes over the images in which the head learns its first clusters")
      .only_with("start", {"pac", "kmeans"}, {"start_epochs"});
}

/// Clusters of codes [N, E], whitened to this share of their variance, by cosine distance: [N]
/// labels of PAC or k-means, numbered by appearance, as PAC's own numbers hang on roundings.
std::vector<std::int32_t> start_clusters(HeadStart start, const Matrix<float>& codes,
                                         double variance, const FitContext& context);

/// What a head's first training works with.
struct HeadStartWork {
  std::function<std::vector<std::int32_t>()> clusters;  ///< of all images; asked for once
  std::function<torch::Tensor(Batch&)> logits;          ///< of a batch, [B, K], in float32
};

/// The stage in which a head learns clusters that were found without it. `stage` says what is
/// trained, in batches of how many images at most, for how long.
Stage head_start_stage(Stage stage, const TrainingData& data, Engine& engine, HeadStartWork work);

}  // namespace coterie
