#pragma once

#include <cstdint>

#include "coterie/core/params.h"
#include "coterie/methods/cluster_head.h"
#include "coterie/methods/image_network.h"
#include "coterie/nn/resnet.h"
#include "coterie/nn/views.h"

namespace coterie {

/// Which views of images a contrastive method compares.
enum class ViewChoice {
  automatic,  ///< digits for grey images, simclr for colour
  weak,
  strong,
  simclr,
  digits,
};

/// The part of a method's parameters that says what sees the images.
struct EncoderParams {
  ResNetKind backbone = ResNetKind::compact;
  std::int64_t side = 0;  ///< height and width that the backbone takes; 0: the images' own
  ViewChoice views = ViewChoice::automatic;
};

/// Adds their description to that of `Params`, which derives from them.
template <class Params>
void add_encoder_fields(Fields<Params>& fields) {
  fields
      .template choice<ResNetKind>("backbone", &Params::backbone,
                                   {{"compact", ResNetKind::compact},
                                    {"resnet18", ResNetKind::resnet18},
                                    {"resnet34", ResNetKind::resnet34},
                                    {"resnet50", ResNetKind::resnet50}},
                                   "the network; compact has a twelfth of resnet18's work")
      .carries_over()
      .template number<std::int64_t>("side", &Params::side, between(0, 1024),
                                     "pixels to which images are resized; 0: their own size")
      .carries_over()
      .template choice<ViewChoice>("views", &Params::views,
                                   {{"auto", ViewChoice::automatic},
                                    {"weak", ViewChoice::weak},
                                    {"strong", ViewChoice::strong},
                                    {"simclr", ViewChoice::simclr},
                                    {"digits", ViewChoice::digits}},
                                   "how images are changed; auto: digits for grey, else simclr")
      .carries_over();
}

/// A residual network with what it must know of its images, and how these are changed.
class ImageEncoder : public ImageNetwork {
 public:
  /// A network for the images of `data` with fresh weights, or with those of `context.weights`
  /// or `context.init_from`. Throws UserError where these do not fit it.
  void build(const EncoderParams& params, const TrainingData& data, const FitContext& context);

  static constexpr const char* kName = "backbone";  ///< in checkpoints
  ResNet& backbone() { return backbone_; }
  torch::nn::Module& module() override { return *backbone_; }
  std::int64_t width() const { return backbone_->width(); }
  ViewRecipe recipe() const;

  /// The backbone's outputs for normalised images, as features and as codes.
  Description describe(const torch::Tensor& images) {
    const auto features = backbone_->forward(images);
    return {features, features};
  }

  using ImageNetwork::embed;
  /// The backbone's outputs, [N, width].
  Matrix<float> embed(const TrainingData& data, const FitContext& context) {
    return embed(data, context, [&](const torch::Tensor& x) { return backbone_->forward(x); });
  }

  void save(StoredModel& model);
  void load(const EncoderParams& params, const StoredModel& model);

 private:
  void make_backbone(const EncoderParams& params);

  ViewPreset preset_ = ViewPreset::simclr;
  ResNet backbone_{nullptr};
};

}  // namespace coterie
