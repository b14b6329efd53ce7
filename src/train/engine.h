#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/dataset.h"
#include "coterie/train/adam.h"
#include "coterie/train/checkpoint.h"
#include "coterie/train/loader.h"
#include "coterie/train/loss_meter.h"
#include "coterie/train/stage.h"

namespace coterie {

/// Everything around one training.
struct TrainContext {
  std::uint64_t seed = 0;
  torch::Device device = torch::kCPU;
  Progress* progress = nullptr;
  const CancelToken* cancel = nullptr;
  std::filesystem::path checkpoints;  ///< empty: none are kept
  double checkpoint_seconds = 15;     ///< least time between two that are written at epoch ends
  double time_budget = 0;             ///< seconds that `run` may take, 0 for no limit
  /// What a checkpoint must agree in to be gone on from: parameters, data, K.
  nlohmann::json identity = nlohmann::json::object();
  /// A line of history for each epoch. After a crash the epochs since the last checkpoint are
  /// trained and recorded again: the later line of an epoch counts.
  std::function<void(const nlohmann::json&)> record = [](const nlohmann::json&) {};
};

/// Trains modules through stages: shuffled batches, Adam, checkpoints, resume. On the CPU a resumed
/// training gives the same bits as an uninterrupted one: order and random numbers of a step depend
/// on seed, stage, epoch and step alone, and checkpoints hold all else.
///
///     Engine engine(data, 28, context);
///     engine.keep("autoencoder", *network);
///     engine.run({{.name = "reconstruction", .epochs = 30, .trained = {network.get()},
///                  .step = [&](Batch& batch) { ... }}});
class Engine {
 public:
  /// `side`: height and width that the networks take. Sets libtorch's threads and seeds its
  /// generators.
  Engine(const TrainingData& data, std::int64_t side, TrainContext context);

  /// Has checkpoints hold the parameters and buffers of `module`, which must outlive the engine.
  void keep(std::string name, torch::nn::Module& module);

  /// Trains all stages, from the newest sound checkpoint where there is one. Throws Interrupted
  /// when cancelled, after a checkpoint; UserError where a loss is no finite number (the last
  /// checkpoint stays as it was) and where the checkpoint is of another training.
  void run(const std::vector<Stage>& stages);

 private:
  struct Position {
    std::int64_t stage = 0;
    std::int64_t epoch = 0;
    std::int64_t step = 0;
  };
  void resume();
  void run_stage(const Stage& stage, Adam& adam);
  void run_epoch(const Stage& stage, Adam& adam);
  void train_step(const Stage& stage, Adam& adam, std::span<const std::int64_t> rows);
  void finish_epoch(const Stage& stage, Adam& adam);
  void check_losses(const Stage& stage);
  void write_checkpoint(const Adam* adam);
  void fit_epochs_to_budget();
  std::int64_t steps_per_epoch(const Stage& stage) const;
  double learning_rate(const Stage& stage) const;
  void report(const Stage& stage) const;

  TrainingData data_;
  std::int64_t side_;
  TrainContext context_;
  CheckpointStore store_;
  std::vector<std::pair<std::string, torch::nn::Module*>> kept_;
  const std::vector<Stage>* stages_ = nullptr;
  std::unique_ptr<Loader> loader_;

  Position at_;                       // of the next step
  std::vector<std::int64_t> epochs_;  // planned for each stage
  LossMeter meter_;                   // of this epoch
  TensorMap optimiser_;               // of the stage that a resume lands in
  double earlier_seconds_ = 0;        // spent on this epoch before a resume

  using Clock = std::chrono::steady_clock;
  Clock::time_point run_start_;
  Clock::time_point epoch_start_;
  Clock::time_point last_checkpoint_;
  Clock::time_point timing_start_;
  std::int64_t steps_done_ = 0;  // in this process
  bool planned_ = false;
};

}  // namespace coterie
