#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "coterie/core/params.h"
#include "coterie/core/random.h"
#include "coterie/methods/cluster_head.h"
#include "coterie/methods/image_network.h"

namespace coterie {

enum class SiameseKind {
  conv,      ///< the paper's
  compact,   ///< a residual network of three blocks
  resnet18,  ///< and larger ones
  resnet34,
};

/// The part of adc's parameters that says what embeds the images.
struct SiameseParams {
  SiameseKind network = SiameseKind::conv;
  std::int64_t side = 0;
  std::int64_t embedding = 10;
};

template <class Params>
void add_siamese_fields(Fields<Params>& fields) {
  fields
      .template choice<SiameseKind>("network", &Params::network,
                                    {{"conv", SiameseKind::conv},
                                     {"compact", SiameseKind::compact},
                                     {"resnet18", SiameseKind::resnet18},
                                     {"resnet34", SiameseKind::resnet34}},
                                    "the network: the paper's convolutions, or a residual one")
      .template number<std::int64_t>("side", &Params::side, between(0, 1024),
                                     "pixels to which images are resized; 0: their own size; the "
                                     "paper's figure 2 has 48")
      .template number<std::int64_t>("embedding", &Params::embedding, between(2, 4096),
                                     "width of the embedding");
}

/// The network that embeds both images of a pair, and what it must know of its images.
class SiameseNetwork : public ImageNetwork {
 public:
  /// A network for the images of `data` with fresh weights, or with those of `context.init_from`,
  /// where that is a run of the same network. Throws UserError where it is not.
  void build(const SiameseParams& params, const TrainingData& data, const FitContext& context);

  static constexpr const char* kName = "network";  ///< in checkpoints
  torch::nn::Module& module() override { return *module_; }
  /// Normalised images [B, C, S, S] to embeddings [B, E].
  torch::Tensor forward(const torch::Tensor& images) { return embed_(images); }
  /// The embedding, as features and as codes.
  Description describe(const torch::Tensor& images) {
    const auto codes = embed_(images);
    return {codes, codes};
  }
  using ImageNetwork::embed;

  void save(StoredModel& model) { ImageNetwork::save(kWeights, model); }
  void load(const SiameseParams& params, const StoredModel& model);

 private:
  void make(const SiameseParams& params, RandomStream& weights);

  static constexpr const char* kWeights = "network/";
  std::shared_ptr<torch::nn::Module> module_;
  std::function<torch::Tensor(const torch::Tensor&)> embed_;
};

}  // namespace coterie
