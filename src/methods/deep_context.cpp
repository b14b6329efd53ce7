#include "coterie/methods/deep_context.h"

#include <algorithm>

#include "coterie/core/sha256.h"
#include "coterie/nn/device.h"

namespace coterie {

namespace {

std::string digest_of(const std::vector<std::vector<std::int32_t>>& labels) {
  Sha256 digest;
  for (const auto& one : labels) digest.update(one.data(), one.size() * sizeof(std::int32_t));
  return digest.hex_digest();
}

}  // namespace

torch::Device process_device(const FitContext& context) {
  const torch::Device device = resolve_device(context.device);
  const ProcessSettings settings = process_settings_from_environment();
  return device.is_cuda() && settings.size > 1
             ? resolve_device(fmt::format("cuda:{}", settings.local_rank))
             : device;
}

TrainContext train_context(const FitContext& context, const TrainingData& data,
                           const Method& method) {
  nlohmann::json identity = parameters_json(method);
  identity["method"] = method.info().name;
  identity["seed"] = context.seed;
  if (!context.weights.empty()) identity["weights"] = sha256_file(context.weights);
  if (!context.init_from.empty()) identity["init_from"] = sha256_file(context.init_from);
  if (!context.bases.empty()) identity["bases"] = digest_of(context.bases);
  identity["images"] = data.count;
  identity["shape"] = {data.shape.channels, data.shape.height, data.shape.width};
  const ProcessSettings settings = process_settings_from_environment();
  const torch::Device device = process_device(context);
  return {.seed = context.seed,
          .device = device,
          .precision = resolve_precision(context.precision, device),
          .processes = settings.size > 1 ? std::make_shared<const Processes>(settings, device)
                                         : std::make_shared<const Processes>(),
          .progress = context.progress,
          .cancel = context.cancel,
          .checkpoints = context.checkpoints,
          .time_budget = context.time_budget,
          .identity = std::move(identity),
          .record = context.record};
}

nlohmann::json training_statistics(const Engine& engine) {
  const nlohmann::json& line = engine.last_epoch();
  if (line.is_null()) return nlohmann::json::object();
  nlohmann::json statistics = {{"losses", line.at("losses")},
                               {"epochs", line.at("epoch")},
                               {"images_per_second", line.at("images_per_second")}};
  if (line.contains("collapse")) statistics["collapse"] = line.at("collapse");
  return statistics;
}

void keep_snapshots(const FitContext& context, TrainContext& around,
                    std::function<Clustering(const TrainingData&, const FitContext&)> look) {
  if (context.snapshots.epochs.empty()) return;
  around.look = [&context, look = std::move(look)](const EpochEnd& end) {
    const Snapshots& wanted = context.snapshots;
    if (std::ranges::find(wanted.epochs, end.epoch) == wanted.epochs.end()) return;
    FitContext silent = context.silent();
    silent.cancel = nullptr;  // The engine stops right after, with a checkpoint.
    Clustering seen = look(wanted.sample, silent);
    // A head that no stage has trained yet says nothing.
    if (!end.has_clusters) seen = Clustering{{}, std::move(seen.embeddings)};
    wanted.keep(end.stage, end.epoch, seen);
  };
}

void check_images(const TrainingData& data, std::int64_t least) {
  if (!data.has_images())
    throw UserError(
        "this method takes images, the input holds feature rows; use --method pac or kmeans");
  if (data.count < least)
    throw UserError("the input holds {} image(s), at least {} are needed", data.count, least);
  if (data.shape.channels != 1 && data.shape.channels != 3)
    throw UserError("images of {} channels cannot be used: allowed is 1 (grey) or 3 (colour)",
                    data.shape.channels);
}

void check_clusters(const FitContext& context, const TrainingData& data) {
  if (context.clusters != 0 && (context.clusters < 2 || context.clusters > data.count))
    throw UserError("-k = {} is out of range: allowed is 2 to {}, the number of images",
                    context.clusters, data.count);
}

void check_shape(const ImageShape& shape, const ImageShape& trained) {
  if (shape != trained)
    throw UserError(
        "the images are {} x {} x {} (channels, height, width), the model was trained on {} x {} x "
        "{}; bring them to that shape",
        shape.channels, shape.height, shape.width, trained.channels, trained.height, trained.width);
}

void check_training_images(const TrainingData& data) {
  check_images(data, 2);
  const auto first = data.image(0);
  for (std::int64_t i = 1; i < data.count; ++i)
    if (!std::ranges::equal(data.image(i), first)) return;
  throw UserError("all {} images are equal: there is nothing to tell them apart by; give others",
                  data.count);
}

nlohmann::json parameters_json(const Method& method) {
  nlohmann::json parameters = nlohmann::json::object();
  for (const auto& [name, value] : method.parameter_values()) parameters[name] = value;
  return parameters;
}

void load_parts(const StoredModel& model, Method& method, const std::function<void()>& load) {
  try {
    if (model.meta.at("version") != 1)
      throw UserError("the stored model has version {}, this program reads version 1",
                      model.meta.at("version").dump());
    for (const auto& [name, value] : model.meta.at("parameters").items())
      method.set_parameter(name, value.get<std::string>());
    load();
  } catch (const nlohmann::json::exception& error) {
    throw UserError("the stored model's description is damaged ({}); train it again", error.what());
  }
}

TensorMap tensors_under(const std::string& prefix, const TensorMap& tensors) {
  TensorMap out;
  for (auto it = tensors.lower_bound(prefix); it != tensors.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    out[it->first.substr(prefix.size())] = it->second;
  }
  return out;
}

void add_under(const std::string& prefix, const TensorMap& part, TensorMap& tensors) {
  for (const auto& [name, tensor] : part) tensors[prefix + name] = tensor;
}

}  // namespace coterie
