#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/dataset.h"
#include "coterie/nn/precision.h"
#include "coterie/train/checkpoint.h"
#include "coterie/train/cluster_watch.h"
#include "coterie/train/loader.h"
#include "coterie/train/loss_meter.h"
#include "coterie/train/processes.h"
#include "coterie/train/stage.h"

namespace coterie {

class GradientReducer;

/// Where a training is when an epoch has ended.
struct EpochEnd {
  const std::string& stage;
  std::int64_t epoch;  ///< of the stage, counted from 1
  bool has_clusters;   ///< whether this stage, or one before, trains clusters
};

/// Everything around one training.
struct TrainContext {
  std::uint64_t seed = 0;
  torch::Device device = torch::kCPU;
  Precision precision = Precision::fp32;
  std::shared_ptr<const Processes> processes = std::make_shared<Processes>();
  Progress* progress = nullptr;
  const CancelToken* cancel = nullptr;
  std::filesystem::path checkpoints;  ///< empty: none are kept
  double checkpoint_seconds = 15;     ///< least time between two that are written at epoch ends
  double time_budget =
      0;  ///< seconds that `run` may take, stopped and resumed in all, 0 for no limit
  /// What a checkpoint must agree in to be gone on from: parameters, data, K.
  nlohmann::json identity = nlohmann::json::object();
  /// A line of history for each epoch, in the first process. After a crash the epochs since the
  /// last checkpoint are trained and recorded again: the later line of an epoch counts.
  std::function<void(const nlohmann::json&)> record = [](const nlohmann::json&) {};
  /// Called in the first process after each epoch. It may use the networks, in eval mode too, but
  /// no random numbers of libtorch.
  std::function<void(const EpochEnd&)> look = [](const EpochEnd&) {};
};

/// Trains modules through stages: shuffled batches, an optimiser, checkpoints, resume. On the CPU a
/// resumed training gives the same bits as an uninterrupted one: order and random numbers of a step
/// depend on seed, stage, epoch and step alone, and checkpoints hold all else.
///
///     Engine engine(data, 28, context);
///     engine.keep("autoencoder", *network);
///     engine.run({{.name = "reconstruction", .epochs = 30, .trained = {network.get()},
///                  .step = [&](Batch& batch) { ... }}});
///
/// Several processes (see processes.h) take equal shares of each batch and average their gradients:
/// whatever their number, the batches are the same. The first one writes.
class Engine {
 public:
  /// `side`: height and width that the networks take. Sets libtorch's threads and seeds its
  /// generators.
  Engine(const TrainingData& data, std::int64_t side, TrainContext context);
  ~Engine();

  /// Has checkpoints hold the parameters and buffers of `module`, which, like every module of
  /// libtorch, is held by a shared pointer.
  void keep(std::string name, torch::nn::Module& module);

  /// Has the batch norms of `module` take their statistics over the images of all processes, as
  /// long as the engine lives.
  void share_batch_norms(torch::nn::Module& module);

  /// Trains all stages, from the newest sound checkpoint where there is one. Throws Interrupted
  /// when cancelled, after a checkpoint; UserError where a loss is no finite number (the last
  /// checkpoint stays as it was) and where the checkpoint is of another training; PeerLost where
  /// another process is gone.
  void run(const std::vector<Stage>& stages);

  /// For before `run`. Running statistics of batch norms are of the latest batches, some twenty.
  /// Where an epoch has fewer, they are of networks that have changed since, or even of none yet.
  /// At the end of each stage of such epochs, what it trained takes them anew, of all images, as in
  /// Batch, which `network` passes through `modules`; what else is in these stays as it is.
  void settle_batch_norms(std::vector<torch::nn::Module*> modules,
                          std::function<void(const torch::Tensor& images)> network);

  const TrainContext& context() const { return context_; }
  const Processes& processes() const { return *context_.processes; }
  const TrainingData& data() const { return data_; }
  std::int64_t steps_per_epoch(const Stage& stage) const;
  /// What was recorded of the training's last epoch (TrainContext::record); null before the first.
  const nlohmann::json& last_epoch() const { return last_epoch_; }
  /// Images as in Batch, for a step that needs others than its own.
  torch::Tensor images(const std::vector<std::int64_t>& rows) const { return loader_.images(rows); }
  /// The float32 result of a network on images, computed in the training's precision.
  template <class Network>
  torch::Tensor forward(const torch::Tensor& images, Network&& network) const {
    return forward_in(context_.precision, images, std::forward<Network>(network));
  }

 private:
  struct Position {
    std::int64_t stage = 0;
    std::int64_t epoch = 0;
    std::int64_t step = 0;
  };
  void check_batches(const std::vector<Stage>& stages) const;
  /// Gives every process what the first one has kept: clusters that each has found for itself, on
  /// processors that round differently, may differ in their numbers.
  void share_kept() const;
  void resume();
  void run_stage(const Stage& stage);
  void settle(const Stage& stage);
  void run_epoch(const Stage& stage);
  void train_step(const Stage& stage, const std::vector<std::int64_t>& items);
  void finish_epoch(const Stage& stage);
  /// Throws where a loss of the epoch's first `steps_done` steps is no finite number.
  void check_losses(const Stage& stage, std::int64_t steps_done);
  void check_weights() const;
  void write_checkpoint(bool stage_end);
  /// Whether to stop after `step`, counted from 1, of an epoch's `steps`.
  bool cancelled(std::int64_t step, std::int64_t steps) const;
  /// Plans epochs once some steps were timed, and then after each epoch.
  void time_steps();
  void time_epoch();
  /// Shortens this stage, of which so many steps are done, and those to come where a step, with all
  /// there is around it, takes so long that the time budget would not suffice.
  void fit_epochs_to_budget(double step_seconds, std::int64_t done);
  std::int64_t item_count(const Stage& stage) const;
  std::vector<std::int64_t> items_of_step(const Stage& stage, std::int64_t step) const;
  std::vector<std::int64_t> images_of(const Stage& stage,
                                      const std::vector<std::int64_t>& items) const;
  /// Of the epoch's step.
  double learning_rate(const Stage& stage, std::int64_t step) const;
  void report(const Stage& stage);

  TrainingData data_;
  TrainContext context_;
  CheckpointStore store_;
  Loader loader_;
  std::vector<std::pair<std::string, std::shared_ptr<torch::nn::Module>>> kept_;
  std::vector<std::shared_ptr<torch::nn::Module>> shared_norms_;
  std::vector<torch::nn::Module*> settling_;
  std::function<void(const torch::Tensor&)> settling_network_;  // empty: nothing settles
  const std::vector<Stage>* stages_ = nullptr;
  std::unique_ptr<Optimiser> optimiser_;  // of the stage
  std::unique_ptr<GradientReducer> reducer_;

  Position at_;                       // of the next step
  std::vector<std::int64_t> epochs_;  // planned for each stage
  std::vector<std::int64_t> order_;   // of the images, or items, in this epoch
  LossMeter meter_;                   // of this epoch
  ClusterWatch clusters_;             // of this epoch
  TensorMap stored_optimiser_;        // of the stage that a resume lands in
  nlohmann::json stored_clusters_;
  nlohmann::json last_epoch_;
  std::string sizes_text_;          // of the last epoch, for the live line
  std::int64_t warned_of_ = -1;     // stage whose collapse the user was told of
  double earlier_seconds_ = 0;      // spent on this epoch before a resume
  double earlier_run_seconds_ = 0;  // and on the training

  using Clock = std::chrono::steady_clock;
  Clock::time_point run_start_;
  Clock::time_point epoch_start_;
  Clock::time_point timed_epochs_start_;
  Clock::time_point last_checkpoint_;
  Clock::time_point timing_start_;
  std::int64_t epoch_images_ = 0;  // trained on in this process since epoch_start_
  std::int64_t stage_steps_ = 0;   // in this process
  std::int64_t timed_epochs_ = 0;  // whole ones of the stage, but for its first in this process
  bool planned_ = false;           // the stage's epochs fit the time budget
};

}  // namespace coterie
