#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "coterie/nn/augment.h"
#include "coterie/nn/image_ops.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// The kinds of view that methods ask for; view_recipe() holds their numbers.
///   weak    crop, flip, colour jitter, grey, blur, as for the weak side of contrastive clustering
///   strong  flip, four operations of RandAugment, cutout (Van Gansbeke et al. 2020)
///   simclr  crop, flip, strong colour jitter, grey, blur (Chen et al. 2020)
///   digits  crop, small turns and slants, mild brightness and contrast; never mirrored
enum class ViewPreset { weak, strong, simclr, digits };

struct Interval {
  double low = 0;
  double high = 0;
};

/// Every knob of a kind of view, in the order in which the operations come. As it stands, it leaves
/// images alone. Probabilities are per image, in 0..1.
struct ViewRecipe {
  AffineRange affine;
  Interval crop_scale{1, 1};            ///< part of the area that is kept; low 1: no crop
  Interval crop_ratio{3. / 4, 4. / 3};  ///< width by height of the part that is kept
  double flip = 0;                      ///< probability of left to right
  double jitter = 0;                    ///< probability of the four that follow, in random order
  double brightness = 0;                ///< factor 1 - b to 1 + b, not below 0
  double contrast = 0;                  ///< likewise
  double saturation = 0;                ///< likewise; nothing on one channel
  double hue = 0;                       ///< turn by up to this, either way; nothing on one channel
  double grey = 0;                      ///< probability of losing the colour
  double blur = 0;                      ///< probability of a Gaussian blur
  std::int64_t blur_kernel = 3;         ///< pixels, odd, below twice the side
  Interval blur_sigma{0.1, 2};          ///< pixels, above 0
  double solarize = 0;                  ///< probability of inverting what is at or above...
  double solarize_threshold = 0.5;      ///< ...this
  int operations = 0;                   ///< of RandAugment, drawn with replacement
  int magnitude = 9;                    ///< of these, 0 to 30
  std::int64_t cutout = 0;              ///< largest side of a square hole; 1 to this, 0: none
  double cutout_value = 0.5;            ///< what fills it
};

/// The recipe for images of side `side` pixels.
ViewRecipe view_recipe(ViewPreset preset, std::int64_t side);

/// What a view depends on besides the image and its id.
struct ViewKey {
  std::uint64_t seed = 0;
  std::string name;        ///< e.g. "views/contrast/0"
  std::int64_t epoch = 0;  ///< below 2^23
};

/// A view of each image [B, C, S, S] (float, in 0..1, C = 1 or 3), a new tensor of the same kind on
/// the same device. ids[i] is the dataset row of images[i], in [0, 2^40): view i is a function of
/// the key, ids[i], the recipe and the image alone, to the last bit, whatever else is in the batch.
/// Throws std::invalid_argument where the images are of another shape or not as many as the ids.
torch::Tensor make_views(const torch::Tensor& images, std::span<const std::int64_t> ids,
                         const ViewKey& key, const ViewRecipe& recipe);

}  // namespace coterie
