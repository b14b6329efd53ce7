#include "coterie/methods/momentum_contrast.h"

#include <algorithm>
#include <utility>

#include "coterie/loss/contrastive.h"
#include "coterie/nn/tensors.h"

namespace coterie {

MomentumContrast::MomentumContrast(ResNet backbone, Mlp projector, const MomentumSettings& settings,
                                   RandomStream& keys)
    : leader_backbone_(std::move(backbone)),
      leader_projector_(std::move(projector)),
      settings_(settings),
      backbone_(register_module("backbone", ResNet(leader_backbone_->shape()))),
      projector_(register_module("projector", Mlp(leader_projector_->shape()))) {
  const torch::Device device = leader_backbone_->parameters().front().device();
  to(device);
  move_weights(*backbone_, *leader_backbone_, 0);
  move_weights(*projector_, *leader_projector_, 0);
  for (auto& parameter : parameters()) parameter.set_requires_grad(false);
  auto values = torch::empty({settings.queue, projector_->shape().output});
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(keys.normal());
  const auto whole = torch::TensorOptions(torch::kLong).device(device);
  keys_ = register_buffer("keys", values.to(device));
  images_ = register_buffer("images", torch::full({settings.queue}, -1, whole));
  next_ = register_buffer("next", torch::zeros({1}, whole));
}

torch::Tensor MomentumContrast::loss(const torch::Tensor& queries, const torch::Tensor& views,
                                     const Batch& batch, const Engine& engine) {
  torch::Tensor own;
  {
    torch::NoGradGuard no_grad;
    move_weights(*backbone_, *leader_backbone_, settings_.momentum);
    move_weights(*projector_, *leader_projector_, settings_.momentum);
    own = engine.forward(
        views, [&](const torch::Tensor& x) { return projector_->forward(backbone_->forward(x)); });
  }
  const auto images = on_device(batch.indices, keys_.device());
  const auto same = images.unsqueeze(1).eq(images_.unsqueeze(0));
  const auto loss = queue_info_nce(queries, own, keys_, same, settings_.temperature);
  replace(engine.processes().gather(own), engine.processes().gather(images));
  return loss;
}

void MomentumContrast::replace(const torch::Tensor& keys, const torch::Tensor& images) {
  torch::NoGradGuard no_grad;
  const auto places =
      (torch::arange(keys.size(0), next_.options()) + next_).remainder(keys_.size(0));
  keys_.index_copy_(0, places, keys);
  images_.index_copy_(0, places, images);
  next_.add_(keys.size(0)).remainder_(keys_.size(0));
}

std::shared_ptr<MomentumContrast> make_momentum_contrast(const ResNet& backbone,
                                                         const Mlp& projector,
                                                         MomentumSettings settings,
                                                         std::int64_t largest,
                                                         bool share_batch_norms, Engine& engine) {
  settings.queue = std::min(engine.data().count, std::max(largest, settings.queue));
  RandomStream keys(engine.context().seed, "queue");
  auto slow = std::make_shared<MomentumContrast>(backbone, projector, settings, keys);
  engine.keep("slow", *slow);
  if (share_batch_norms) engine.share_batch_norms(*slow);
  return slow;
}

}  // namespace coterie
