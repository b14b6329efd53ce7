#include "coterie/methods/softmax_head.h"

#include "coterie/nn/tensors.h"

namespace coterie {

SoftmaxHead::SoftmaxHead(std::int64_t features, std::int64_t clusters, HeadEnd end,
                         RandomStream& weights)
    : end_(end),
      layers_(register_module(
          "layers",
          Mlp(MlpShape{
              .input = features, .hidden = {64}, .output = clusters, .batch_norm = true}))) {
  if (end != HeadEnd::plain) last_norm_ = register_module("last_norm", BatchNorm1d(clusters));
  initialise(*this, weights);
}

torch::Tensor SoftmaxHead::ended(const torch::Tensor& outputs) {
  const auto values = outputs.to(torch::kFloat);
  if (end_ == HeadEnd::plain) return values;
  const auto normed = last_norm_->forward(values);
  return end_ == HeadEnd::norm ? normed : torch::relu(normed);
}

Labeller::Labeller(const AutoencoderImpl& network, std::shared_ptr<ClusterHead> head)
    : network_(register_module("network", Autoencoder(network.shape()))),
      head_(register_module("head", std::move(head))),
      steps_(register_buffer("steps", torch::zeros({1}, torch::kLong))) {
  for (auto& parameter : parameters()) parameter.set_requires_grad(false);
}

void Labeller::follow(const AutoencoderImpl& network, const ClusterHead& head, std::int64_t steps,
                      double momentum) {
  const auto step = steps_.item<std::int64_t>();
  if (step % steps == 0) {
    move_weights(*network_, network, step == 0 ? 0 : momentum);
    move_weights(*head_, head, step == 0 ? 0 : momentum);
  }
  steps_.add_(1);
}

}  // namespace coterie
