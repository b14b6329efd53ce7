#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coterie/core/random.h"
#include "coterie/nn/torch.h"
#include "coterie/nn/views.h"
#include "coterie/train/optimiser.h"

namespace coterie {

/// Images of one training step: this process's share of them.
struct Batch {
  std::vector<std::int64_t> indices;  ///< their rows in the data set
  std::vector<std::int64_t> items;    ///< of Stage::items, for which the images are; else empty
  torch::Tensor images;               ///< [B, C, S, S], float in 0..1, on the training device
  std::int64_t epoch = 0;             ///< from 0, within the stage
  std::int64_t step = 0;              ///< from 0, within the epoch
  /// Random numbers of this step alone, the same after a resume.
  RandomStream random;
  std::uint64_t seed = 0;
  std::string stage;

  /// A view of each image, different by `name`. It depends on seed, stage, name, epoch and the
  /// image's row alone, whichever batch or process the image comes to.
  torch::Tensor views(const std::string& name, const ViewRecipe& recipe) const {
    return make_views(images, indices, {seed, "views/" + stage + "/" + name, epoch}, recipe);
  }
};

/// What a step computes: the scalar to minimise, and named scalars for progress and history. With
/// several processes each gives its share, of which the mean over processes is the loss of the
/// whole batch.
struct Losses {
  torch::Tensor total;
  std::vector<std::pair<std::string, torch::Tensor>> parts;
  /// Cluster of each image [B], int64, where the stage has clusters: shown as sizes and watched for
  /// a collapse.
  torch::Tensor labels = {};
};

enum class LearningRate {
  constant,
  cosine,  ///< falls to zero along half a cosine over the stage's steps
};

/// What an epoch goes over where that is not the images: pairs of them, say.
struct StageItems {
  /// How many there are: asked when an epoch begins, and the same throughout it.
  std::function<std::int64_t()> count;
  /// The images that a step over some of the items takes, each once.
  std::function<std::vector<std::int64_t>(const std::vector<std::int64_t>&)> images;
};

/// One phase of training.
struct Stage {
  std::string name;
  std::int64_t epochs = 1;
  std::int64_t batch_size = 256;  ///< of all processes together
  /// Whether the batches of an epoch are as good as equally large, at most `batch_size`, instead of
  /// full but for the last: for losses that compare the images of a batch. Two images or more.
  bool even_batches = false;
  double learning_rate = 1e-3;
  LearningRate schedule = LearningRate::constant;
  double warm_up = 0;  ///< epochs in which the learning rate rises from 0 in a straight line
  OptimiserSettings optimiser;
  std::int64_t clusters = 0;  ///< K of Losses::labels; 0: the stage has none
  StageItems items = {};      ///< without `count`: the images
  /// What this stage trains, all of which is to enter its loss: Adam would draw the rest to 0 by
  /// weight decay alone. Batch norm needs two images or more: a last batch of one is left out.
  std::vector<torch::nn::Module*> trained;
  std::function<Losses(Batch&)> step;
  /// Called before each epoch with its number, from 0, and not again where a run is resumed within
  /// the epoch: what it makes must be among what the engine keeps, and is then that of the first
  /// process in all of them.
  std::function<void(std::int64_t)> before_epoch = {};
  /// Asked after each epoch, with the mean of each loss over it: true ends the stage before its
  /// epochs are over.
  std::function<bool(std::int64_t, const std::map<std::string, double>&)> finished = {};
};

}  // namespace coterie
