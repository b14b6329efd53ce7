#include "coterie/methods/image_encoder.h"

#include "coterie/core/error.h"
#include "coterie/methods/deep_context.h"
#include "coterie/methods/registry.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

constexpr std::int64_t kLeastSide = 16;  // below, nothing is left after the blocks
constexpr const char* kBackbone = "backbone/";

ViewPreset preset_of(ViewChoice choice, std::int64_t channels) {
  switch (choice) {
    case ViewChoice::weak:
      return ViewPreset::weak;
    case ViewChoice::strong:
      return ViewPreset::strong;
    case ViewChoice::simclr:
      return ViewPreset::simclr;
    case ViewChoice::digits:
      return ViewPreset::digits;
    case ViewChoice::automatic:
      break;
  }
  return channels == 1 ? ViewPreset::digits : ViewPreset::simclr;
}

}  // namespace

void ImageEncoder::make_backbone(const EncoderParams& params) {
  preset_ = preset_of(params.views, shape().channels);
  backbone_ = ResNet(
      ResNetShape{.kind = params.backbone, .stem = stem_for(side()), .channels = shape().channels});
}

void ImageEncoder::build(const EncoderParams& params, const TrainingData& data,
                         const FitContext& context) {
  observe(data, params.side, kLeastSide);
  make_backbone(params);
  RandomStream weights(context.seed, "backbone");
  backbone_->initialise(weights);
  if (!context.weights.empty()) load_backbone(*backbone_, context.weights);
  if (!context.init_from.empty()) {
    const TensorMap model = read_safetensors(context.init_from).tensors;
    if (tensors_under(kBackbone, model).empty())
      throw UserError("--init-from: the run holds no backbone; give one of {}",
                      methods_with(NetworkKind::backbone));
    load_module(*backbone_, kBackbone, model);
  }
}

ViewRecipe ImageEncoder::recipe() const { return view_recipe(preset_, side()); }

void ImageEncoder::save(StoredModel& model) { ImageNetwork::save(kBackbone, model); }

void ImageEncoder::load(const EncoderParams& params, const StoredModel& model) {
  load_images(model);
  make_backbone(params);
  load_weights(kBackbone, model);
}

}  // namespace coterie
