#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "coterie/core/random.h"
#include "coterie/core/safetensors.h"
#include "coterie/nn/batch_norm.h"
#include "coterie/nn/torch.h"

namespace coterie {

enum class ResNetKind {
  compact,   ///< three blocks of 64, 128, 256 channels: a twelfth of resnet18's work at 32 x 32
  resnet18,  ///< He et al. 2016, table 1
  resnet34,
  resnet50,
};

/// What stands before the blocks.
enum class ResNetStem {
  small,   ///< 3 x 3, for about 28 to 48 pixels
  medium,  ///< 3 x 3 and a 2 x 2 max pool, to about 128 pixels
  large,   ///< 7 x 7 of stride 2 and a 3 x 3 max pool, as the paper has it for 224
};
/// The stem for images of this height and width.
ResNetStem stem_for(std::int64_t side);

struct ResNetShape {
  ResNetKind kind = ResNetKind::compact;
  ResNetStem stem = ResNetStem::small;
  std::int64_t channels = 3;
};

/// A residual network without its classifier (He, Zhang, Ren, Sun: Deep Residual Learning for Image
/// Recognition, 2016). Parameters and buffers have torchvision's names. The norm that ends a block
/// starts at zero, so that a block starts as the identity.
class ResNetImpl : public torch::nn::Module {
 public:
  explicit ResNetImpl(const ResNetShape& shape);
  /// Images [B, channels, S, S] to embeddings [B, width()].
  torch::Tensor forward(const torch::Tensor& images);
  /// What each layer of blocks makes of images, averaged over the places: [B, its channels]. The
  /// last is `forward`.
  std::vector<torch::Tensor> layer_means(const torch::Tensor& images);
  std::int64_t width() const { return width_; }
  const ResNetShape& shape() const { return shape_; }

  /// Draws the weights: normal, of variance 2 / (outputs x kernel area) in convolutions (He et al.
  /// 2015). Same stream, same weights everywhere.
  void initialise(RandomStream& stream);

 private:
  /// The last layer's output [B, C, H, W]; `see` is given each layer's.
  template <class See>
  torch::Tensor through(const torch::Tensor& images, See&& see);

  ResNetShape shape_;
  std::int64_t width_ = 0;
  torch::nn::Conv2d conv1_{nullptr};
  BatchNorm2d bn1_{nullptr};
  std::vector<torch::nn::Sequential> layers_;
};
TORCH_MODULE(ResNet);

/// Copies a file's tensors into the backbone: all of its parameters and buffers must be there with
/// their shapes; a classifier (fc.weight, fc.bias) in the file is passed over. Throws UserError
/// that lists what did not fit, and changes nothing then.
void load_backbone(ResNetImpl& backbone, const std::filesystem::path& path);

}  // namespace coterie
