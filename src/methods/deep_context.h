#pragma once

#include "coterie/methods/method.h"
#include "coterie/train/engine.h"

namespace coterie {

/// What the engine needs of a method's context. `identity` is what a checkpoint must agree in
/// beside seed, data and precision. Joins the
/// other processes where the environment names any.
TrainContext train_context(const FitContext& context, const TrainingData& data,
                           nlohmann::json identity);

/// Throws UserError unless `data` holds at least `least` images of 1 or 3 channels.
void check_images(const TrainingData& data, std::int64_t least);

/// check_images for a training: two images or more, and not all of them equal.
void check_training_images(const TrainingData& data);

/// Throws UserError unless K is 0 or 2 to the number of images.
void check_clusters(const FitContext& context, const TrainingData& data);

/// Throws UserError unless images of `shape` are such as a model was trained on.
void check_shape(const ImageShape& shape, const ImageShape& trained);

/// The tensors whose names start with `prefix`, without it.
TensorMap tensors_under(const std::string& prefix, const TensorMap& tensors);
/// Adds tensors under names that start with `prefix`.
void add_under(const std::string& prefix, const TensorMap& part, TensorMap& tensors);

}  // namespace coterie
