#pragma once

#include "coterie/methods/method.h"
#include "coterie/train/engine.h"

namespace coterie {

/// Where this process computes: where `context` says, but with several processes on a machine each
/// has a GPU of its own.
torch::Device process_device(const FitContext& context);

/// What the engine needs of a method's context. A checkpoint must agree in the method and its
/// parameters, seed, number and shape of the images, starting weights and given clusterings. Joins
/// the other processes where the environment names any.
TrainContext train_context(const FitContext& context, const TrainingData& data,
                           const Method& method);

/// The losses, the epochs, the speed and, where there was one, the collapse that a training ended
/// with; an empty object where nothing was trained.
nlohmann::json training_statistics(const Engine& engine);

/// Has the engine give `context.snapshots` what `look` makes of the sample.
void keep_snapshots(const FitContext& context, TrainContext& around,
                    std::function<Clustering(const TrainingData&, const FitContext& silent)> look);

/// Throws UserError unless `data` holds at least `least` images of 1 or 3 channels.
void check_images(const TrainingData& data, std::int64_t least);

/// check_images for a training: two images or more, and not all of them equal.
void check_training_images(const TrainingData& data);

/// Throws UserError unless K is 0 or 2 to the number of images.
void check_clusters(const FitContext& context, const TrainingData& data);

/// Throws UserError unless images of `shape` are such as a model was trained on.
void check_shape(const ImageShape& shape, const ImageShape& trained);

/// Each parameter of `method` with its value.
nlohmann::json parameters_json(const Method& method);

/// Sets the parameters of `method` as `model` has them, then does `load`; UserError where the
/// model's description is of another version or damaged.
void load_parts(const StoredModel& model, Method& method, const std::function<void()>& load);

/// The tensors whose names start with `prefix`, without it.
TensorMap tensors_under(const std::string& prefix, const TensorMap& tensors);
/// Adds tensors under names that start with `prefix`.
void add_under(const std::string& prefix, const TensorMap& part, TensorMap& tensors);

}  // namespace coterie
