#include "coterie/methods/moco/moco.h"

#include <algorithm>

#include "coterie/loss/contrastive.h"
#include "coterie/methods/moco/moco_params.h"
#include "coterie/nn/mlp.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// A backbone with its projector.
class BranchImpl : public torch::nn::Module {
 public:
  BranchImpl(ResNet backbone, Mlp projector)
      : backbone_(register_module("backbone", std::move(backbone))),
        projector_(register_module("projector", std::move(projector))) {}
  torch::Tensor forward(const torch::Tensor& images) {
    return projector_->forward(backbone_->forward(images));
  }

 private:
  ResNet backbone_;
  Mlp projector_;
};
TORCH_MODULE(Branch);

/// The keys of earlier batches, the oldest replaced first. A module, so that checkpoints hold it.
class KeyQueueImpl : public torch::nn::Module {
 public:
  KeyQueueImpl(std::int64_t length, std::int64_t width, RandomStream& stream) {
    auto keys = torch::empty({length, width});
    for (std::int64_t i = 0; i < keys.numel(); ++i)
      keys.data_ptr<float>()[i] = static_cast<float>(stream.normal());
    keys_ = register_buffer("keys", keys);
    next_ = register_buffer("next", torch::zeros({1}, torch::kLong));
  }
  const torch::Tensor& keys() const { return keys_; }

  /// Puts keys [B, D] in the place of the B oldest.
  void replace(const torch::Tensor& keys) {
    torch::NoGradGuard no_grad;
    const auto places =
        (torch::arange(keys.size(0), next_.options()) + next_).remainder(keys_.size(0));
    keys_.index_copy_(0, places, keys);
    next_.add_(keys.size(0)).remainder_(keys_.size(0));
  }

 private:
  torch::Tensor keys_;
  torch::Tensor next_;
};
TORCH_MODULE(KeyQueue);

class Moco : public ContrastiveMethod<MocoParams> {
 public:
  const MethodInfo& info() const override {
    static const MethodInfo kInfo = {
        .name = "moco",
        .family = "contrastive",
        .summary = "views against a queue from a slowly moving network; then PAC or k-means",
        .paper =
            "He, Fan, Wu, Xie, Girshick: Momentum Contrast for Unsupervised Visual Representation "
            "Learning, 2020",
        .input = InputKind::images,
        .finds_clusters = true,
        .backbone = true};
    return kInfo;
  }

 private:
  Mlp make_projector(std::int64_t width) const {
    return Mlp(MlpShape{
        .input = width, .hidden = {width}, .output = params_.projection, .batch_norm = true});
  }

  void train(ImageEncoder& encoder, Engine& engine, const FitContext& context) override {
    const Processes& processes = engine.processes();
    const torch::Device device = engine.context().device;
    ResNet backbone = encoder.backbone();
    Branch queries(backbone, make_projector(encoder.width()));
    RandomStream weights(context.seed, "projector");
    initialise(*queries->named_children()["projector"], weights);
    Branch keys(ResNet(backbone->shape()), make_projector(encoder.width()));
    queries->to(device);
    keys->to(device);
    move_weights(*keys, *queries, 0);
    for (auto& parameter : keys->parameters()) parameter.set_requires_grad(false);
    if (params_.sync_batch_norm) {
      engine.share_batch_norms(*queries);
      engine.share_batch_norms(*keys);
    }
    RandomStream fill(context.seed, "queue");
    // Never shorter than a batch, as one batch replaces as many keys at once.
    KeyQueue queue(std::max(params_.queue, params_.batch_size), params_.projection, fill);
    queue->to(device);

    const ViewRecipe recipe = encoder.recipe();
    Stage contrast = params_.stage("contrast");
    contrast.trained = {queries.get()};
    contrast.step = [&](Batch& batch) -> Losses {
      const auto projected = [&](Branch& branch, const char* view) {
        return engine.forward(encoder.normalised(batch.views(view, recipe)),
                              [&](const torch::Tensor& x) { return branch->forward(x); });
      };
      const auto q = projected(queries, "first");
      torch::Tensor k;
      {
        torch::NoGradGuard no_grad;
        move_weights(*keys, *queries, params_.momentum);
        k = projected(keys, "second");
      }
      const auto loss = queue_info_nce(q, k, queue->keys().clone(), params_.temperature);
      queue->replace(processes.gather(k));
      return {loss, {{"queue_info_nce", loss}}};
    };
    engine.keep("queries", *queries);
    engine.keep("keys", *keys);
    engine.keep("queue", *queue);
    engine.run({contrast});
  }
};

}  // namespace

const Fields<MocoParams>& MocoParams::fields() {
  static const Fields<MocoParams> kFields = [] {
    Fields<MocoParams> fields;
    add_contrastive_fields(fields);
    fields
        .number("queue", &MocoParams::queue, between(2, 1 << 20),
                "keys of earlier images that a query is compared with; at least a batch")
        .number("momentum", &MocoParams::momentum, Range{.low = 0, .high = 1, .high_open = true},
                "how much of itself the keys' network keeps in a step");
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_moco() { return std::make_unique<Moco>(); }

}  // namespace coterie
