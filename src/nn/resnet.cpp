#include "coterie/nn/resnet.h"

#include <cmath>

#include "coterie/core/error.h"
#include "coterie/core/text.h"
#include "coterie/nn/batch_norm.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;

Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  return Conv2d(Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

/// Two 3 x 3 convolutions, or 1 x 1, 3 x 3, 1 x 1 in a bottleneck, beside a short cut.
class BlockImpl : public torch::nn::Module {
 public:
  BlockImpl(std::int64_t in, std::int64_t inner, std::int64_t out, std::int64_t stride,
            bool bottleneck) {
    if (bottleneck) {
      add(convolution(in, inner, 1, 1), inner);
      add(convolution(inner, inner, 3, stride), inner);
      add(convolution(inner, out, 1, 1), out);
    } else {
      add(convolution(in, inner, 3, stride), inner);
      add(convolution(inner, out, 3, 1), out);
    }
    if (stride != 1 || in != out)
      downsample_ = register_module(
          "downsample", torch::nn::Sequential(convolution(in, out, 1, stride), BatchNorm2d(out)));
  }

  torch::Tensor forward(const torch::Tensor& images) {
    const torch::Tensor short_cut = downsample_ ? downsample_->forward(images) : images;
    torch::Tensor x = images;
    for (std::size_t i = 0; i < convolutions_.size(); ++i) {
      x = norms_[i]->forward(convolutions_[i]->forward(x));
      if (i + 1 < convolutions_.size()) x = x.relu_();
    }
    return (x + short_cut).relu_();
  }

  BatchNorm2d& last_norm() { return norms_.back(); }

 private:
  void add(Conv2d layer, std::int64_t out) {
    const std::string number = std::to_string(convolutions_.size() + 1);
    convolutions_.push_back(register_module("conv" + number, std::move(layer)));
    norms_.push_back(register_module("bn" + number, BatchNorm2d(out)));
  }

  std::vector<Conv2d> convolutions_;
  std::vector<BatchNorm2d> norms_;
  torch::nn::Sequential downsample_{nullptr};
};
TORCH_MODULE(Block);

struct ResNetPlan {
  std::int64_t stem;                 // channels
  std::vector<std::int64_t> inner;   // channels within the blocks of each layer
  std::vector<std::int64_t> blocks;  // in each layer
  std::int64_t expansion;            // channels that leave a block, by those within
  std::int64_t first_stride;         // of layer 1; the others halve the image
};

ResNetPlan plan_of(ResNetKind kind) {
  switch (kind) {
    case ResNetKind::compact:
      return {32, {64, 128, 256}, {1, 1, 1}, 1, 2};
    case ResNetKind::resnet18:
      return {64, {64, 128, 256, 512}, {2, 2, 2, 2}, 1, 1};
    case ResNetKind::resnet34:
      return {64, {64, 128, 256, 512}, {3, 4, 6, 3}, 1, 1};
    case ResNetKind::resnet50:
      return {64, {64, 128, 256, 512}, {3, 4, 6, 3}, 4, 1};
  }
  throw std::logic_error("unknown kind of residual network");
}

void draw_normal(torch::Tensor& weight, RandomStream& stream) {
  // [out, in, height, width]: an output value feeds `out` x area products of the next layer.
  const double deviation =
      std::sqrt(2.0 / static_cast<double>(weight.size(0) * weight.size(2) * weight.size(3)));
  auto values = torch::empty(weight.sizes(), torch::kFloat);
  auto* p = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    p[i] = static_cast<float>(deviation * stream.normal());
  weight.copy_(values);
}

}  // namespace

ResNetStem stem_for(std::int64_t side) {
  return side <= 48 ? ResNetStem::small : side <= 128 ? ResNetStem::medium : ResNetStem::large;
}

ResNetImpl::ResNetImpl(const ResNetShape& shape) : shape_(shape) {
  const ResNetPlan plan = plan_of(shape.kind);
  const bool large = shape.stem == ResNetStem::large;
  conv1_ = register_module("conv1",
                           convolution(shape.channels, plan.stem, large ? 7 : 3, large ? 2 : 1));
  bn1_ = register_module("bn1", BatchNorm2d(plan.stem));
  width_ = plan.stem;
  for (std::size_t l = 0; l < plan.inner.size(); ++l) {
    torch::nn::Sequential layer;
    const std::int64_t out = plan.inner[l] * plan.expansion;
    for (std::int64_t b = 0; b < plan.blocks[l]; ++b) {
      const std::int64_t stride = b > 0 ? 1 : l > 0 ? 2 : plan.first_stride;
      layer->push_back(Block(width_, plan.inner[l], out, stride, plan.expansion > 1));
      width_ = out;
    }
    layers_.push_back(register_module("layer" + std::to_string(l + 1), layer));
  }
  // Stored as the kernels read them.
  for (auto& parameter : parameters())
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
}

torch::Tensor ResNetImpl::forward(const torch::Tensor& images) {
  return through(images, [](const torch::Tensor&) {})
      .mean({2, 3}, /*keepdim=*/false, torch::kFloat);
}

std::vector<torch::Tensor> ResNetImpl::layer_means(const torch::Tensor& images) {
  std::vector<torch::Tensor> means;
  through(images, [&](const torch::Tensor& x) {
    means.push_back(x.mean({2, 3}, /*keepdim=*/false, torch::kFloat));
  });
  return means;
}

template <class See>
torch::Tensor ResNetImpl::through(const torch::Tensor& images, See&& see) {
  // With a pixel's channels side by side the convolution kernels copy nothing.
  torch::Tensor x = images.contiguous(torch::MemoryFormat::ChannelsLast);
  x = bn1_->forward(conv1_->forward(x)).relu_();
  if (shape_.stem == ResNetStem::medium) x = torch::max_pool2d(x, 2, 2);
  if (shape_.stem == ResNetStem::large) x = torch::max_pool2d(x, 3, 2, 1);
  for (auto& layer : layers_) {
    x = layer->forward(x);
    see(x);
  }
  return x;
}

void ResNetImpl::initialise(RandomStream& stream) {
  torch::NoGradGuard no_grad;
  for (auto& module : modules(/*include_self=*/false)) {
    if (auto* layer = module->as<Conv2d>()) draw_normal(layer->weight, stream);
    if (auto* norm = module->as<BatchNorm2d>()) {
      norm->weight.fill_(1.0);
      norm->bias.fill_(0.0);
    }
  }
  for (auto& module : modules(/*include_self=*/false))
    if (auto* block = module->as<Block>()) block->last_norm()->weight.fill_(0.0);
}

void load_backbone(ResNetImpl& backbone, const std::filesystem::path& path) {
  TensorMap tensors = read_safetensors(path).tensors;
  tensors.erase("fc.weight");
  tensors.erase("fc.bias");
  // Counts of batches are no weights, and files from other programs may lack them.
  for (const auto& buffer : backbone.named_buffers())
    if (buffer.key().ends_with("num_batches_tracked") && !tensors.contains(buffer.key()))
      tensors[buffer.key()] = from_torch(buffer.value());
  const auto faults = module_faults(backbone, "", tensors);
  if (!faults.empty())
    throw UserError(
        "the weights in {} do not fit the backbone: {}; choose the backbone, stem and channels "
        "that they were made for",
        printable(path.native()), join(faults, "; "));
  load_module(backbone, "", tensors);
}

}  // namespace coterie
