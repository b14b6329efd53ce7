#include "coterie/methods/adc/siamese_network.h"

#include <utility>

#include "coterie/core/error.h"
#include "coterie/methods/deep_context.h"
#include "coterie/nn/conv_net.h"
#include "coterie/nn/resnet.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

constexpr std::int64_t kLeastResidualSide = 16;

/// A residual network and a linear layer to the embedding.
class ResidualEmbedding : public torch::nn::Module {
 public:
  ResidualEmbedding(const ResNetShape& shape, std::int64_t width, RandomStream& weights)
      : backbone_(register_module("backbone", ResNet(shape))),
        last_(register_module("last", torch::nn::Linear(backbone_->width(), width))) {
    initialise(*this, weights);
    backbone_->initialise(weights);
  }
  torch::Tensor forward(const torch::Tensor& images) {
    return last_->forward(backbone_->forward(images));
  }

 private:
  ResNet backbone_;
  torch::nn::Linear last_;
};

ResNetKind residual_kind(SiameseKind kind) {
  switch (kind) {
    case SiameseKind::resnet18:
      return ResNetKind::resnet18;
    case SiameseKind::resnet34:
      return ResNetKind::resnet34;
    default:
      return ResNetKind::compact;
  }
}

}  // namespace

void SiameseNetwork::make(const SiameseParams& params, RandomStream& weights) {
  const auto hold = [this](auto network) {
    module_ = network;
    embed_ = [network](const torch::Tensor& images) { return network->forward(images); };
  };
  if (params.network == SiameseKind::conv) {
    ConvNet network(shape().channels, params.embedding);
    network->initialise(weights);
    hold(network.ptr());
  } else {
    hold(std::make_shared<ResidualEmbedding>(ResNetShape{.kind = residual_kind(params.network),
                                                         .stem = stem_for(side()),
                                                         .channels = shape().channels},
                                             params.embedding, weights));
  }
}

void SiameseNetwork::build(const SiameseParams& params, const TrainingData& data,
                           const FitContext& context) {
  observe(data, params.side,
          params.network == SiameseKind::conv ? ConvNetImpl::kLeastSide : kLeastResidualSide);
  RandomStream weights(context.seed, "network");
  make(params, weights);
  if (context.init_from.empty()) return;
  const TensorMap model = read_safetensors(context.init_from).tensors;
  if (!module_faults(*module_, kWeights, model).empty())
    throw UserError(
        "--init-from: the run holds no network as adc has it here; give a run of adc with the same "
        "network and embedding");
  load_module(*module_, kWeights, model);
}

void SiameseNetwork::load(const SiameseParams& params, const StoredModel& model) {
  load_images(model);
  RandomStream unused(0, "network");
  make(params, unused);
  load_weights(kWeights, model);
}

}  // namespace coterie
