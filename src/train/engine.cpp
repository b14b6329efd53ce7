#include "coterie/train/engine.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "coterie/core/error.h"
#include "coterie/core/text.h"
#include "coterie/nn/device.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

constexpr std::int64_t kWarmSteps = 3;       // not timed: libraries compile their kernels in them
constexpr std::int64_t kTimedSteps = 20;     // what a time budget is judged by
constexpr std::int64_t kGpuFlushSteps = 20;  // between two looks at the losses
constexpr double kLongestLoss = 600;         // seconds of training that a crash may cost
constexpr const char* kOptimiser = "optimiser/";
constexpr const char* kGenerator = "random/";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The generators whose state a training on `device` depends on.
std::vector<std::pair<std::string, torch::Device>> generators(const torch::Device& device) {
  std::vector<std::pair<std::string, torch::Device>> out = {{"cpu", torch::Device(torch::kCPU)}};
  if (device.is_cuda()) out.emplace_back("cuda", device);
  return out;
}

void check_identity(const nlohmann::json& stored, const nlohmann::json& wanted,
                    const std::filesystem::path& folder) {
  for (const auto& [key, value] : wanted.items())
    if (!stored.contains(key) || stored.at(key) != value)
      throw UserError(
          "the checkpoint in {} is of another training: {} was {}, now it is {}; resume with what "
          "it "
          "was started with, or begin in another folder",
          printable(folder.native()), key, stored.contains(key) ? stored.at(key).dump() : "absent",
          value.dump());
}

}  // namespace

Engine::Engine(const TrainingData& data, std::int64_t side, TrainContext context)
    : data_(data), side_(side), context_(std::move(context)), store_(context_.checkpoints) {
  apply_thread_count();
  torch::manual_seed(RandomStream(context_.seed, "torch").next());
}

void Engine::keep(std::string name, torch::nn::Module& module) {
  kept_.emplace_back(std::move(name), &module);
}

void Engine::run(const std::vector<Stage>& stages) {
  stages_ = &stages;
  run_start_ = last_checkpoint_ = Clock::now();
  std::int64_t largest = 0;
  for (const Stage& stage : stages) {
    epochs_.push_back(stage.epochs);
    largest = std::max(largest, stage.batch_size);
  }
  loader_ = std::make_unique<Loader>(data_, side_, std::min(largest, data_.count), context_.device);
  planned_ = context_.time_budget <= 0;
  resume();
  while (at_.stage < static_cast<std::int64_t>(stages.size())) {
    const Stage& stage = stages[at_.stage];
    for (auto* module : stage.trained) module->train();
    Adam adam(stage.trained, stage.weight_decay);
    if (!optimiser_.empty()) adam.load(kOptimiser, optimiser_);
    optimiser_.clear();
    run_stage(stage, adam);
    at_ = {at_.stage + 1, 0, 0};
  }
  write_checkpoint(nullptr);
  if (context_.progress) context_.progress->end();
}

void Engine::resume() {
  const auto checkpoint = store_.newest();
  if (!checkpoint) return;
  const auto& state = checkpoint->state;
  check_identity(state.at("identity"), context_.identity, context_.checkpoints);
  for (const auto& [name, module] : kept_) load_module(*module, name + "/", checkpoint->tensors);
  for (const auto& [name, device] : generators(context_.device)) {
    const auto stored = checkpoint->tensors.find(kGenerator + name);
    if (stored != checkpoint->tensors.end()) set_generator_state(device, to_torch(stored->second));
  }
  for (const auto& [name, tensor] : checkpoint->tensors)
    if (name.starts_with(kOptimiser)) optimiser_[name] = tensor;
  at_ = {state.at("stage").get<std::int64_t>(), state.at("epoch").get<std::int64_t>(),
         state.at("step").get<std::int64_t>()};
  epochs_ = state.at("planned_epochs").get<std::vector<std::int64_t>>();
  meter_.load(state.at("losses"));
  earlier_seconds_ = state.at("seconds");
  planned_ = true;
}

std::int64_t Engine::steps_per_epoch(const Stage& stage) const {
  const std::int64_t full = data_.count / stage.batch_size;
  return full + (data_.count % stage.batch_size > 1 ? 1 : 0);
}

double Engine::learning_rate(const Stage& stage) const {
  if (stage.schedule == LearningRate::constant) return stage.learning_rate;
  const auto steps = static_cast<double>(steps_per_epoch(stage));
  const double progress = (static_cast<double>(at_.epoch) * steps + static_cast<double>(at_.step)) /
                          (static_cast<double>(epochs_[at_.stage]) * steps);
  return stage.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

void Engine::run_stage(const Stage& stage, Adam& adam) {
  if (context_.progress)
    context_.progress->begin("training: " + stage.name,
                             epochs_[at_.stage] * steps_per_epoch(stage));
  while (at_.epoch < epochs_[at_.stage]) run_epoch(stage, adam);
}

void Engine::run_epoch(const Stage& stage, Adam& adam) {
  std::vector<std::int64_t> order(data_.count);
  std::iota(order.begin(), order.end(), 0);
  RandomStream(context_.seed, "order/" + stage.name, at_.epoch).shuffle(std::span(order));
  epoch_start_ = Clock::now();
  const std::int64_t steps = steps_per_epoch(stage);
  while (at_.step < steps) {
    const std::int64_t begin = at_.step * stage.batch_size;
    const std::int64_t end = std::min(begin + stage.batch_size, data_.count);
    train_step(stage, adam, std::span(order).subspan(begin, end - begin));
    ++at_.step;
    const bool cancelled = context_.cancel && context_.cancel->cancelled();
    if (cancelled || (at_.step < steps && seconds_since(last_checkpoint_) > kLongestLoss)) {
      check_losses(stage);
      write_checkpoint(&adam);
      if (cancelled) throw Interrupted();
    }
  }
  finish_epoch(stage, adam);
}

void Engine::train_step(const Stage& stage, Adam& adam, std::span<const std::int64_t> rows) {
  const std::int64_t number = at_.epoch * steps_per_epoch(stage) + at_.step;
  Batch batch{{rows.begin(), rows.end()},
              loader_->batch(rows),
              at_.epoch,
              at_.step,
              RandomStream(context_.seed, "step/" + stage.name, number)};
  const Losses losses = stage.step(batch);
  meter_.add(losses, static_cast<std::int64_t>(rows.size()));
  // Looking at a loss makes a GPU wait: there it happens now and then.
  if (!context_.device.is_cuda() || number % kGpuFlushSteps == 0) check_losses(stage);
  adam.zero_gradients();
  losses.total.backward();
  adam.step(learning_rate(stage));

  ++steps_done_;
  if (steps_done_ == kWarmSteps) timing_start_ = Clock::now();
  if (!planned_ && steps_done_ == kWarmSteps + kTimedSteps) fit_epochs_to_budget();
  report(stage);
}

void Engine::report(const Stage& stage) const {
  if (!context_.progress || meter_.images() == 0) return;
  std::string text = fmt::format("epoch {}/{}", at_.epoch + 1, epochs_[at_.stage]);
  for (const auto& [name, mean] : meter_.means()) text += fmt::format(", {} {:.5g}", name, mean);
  context_.progress->update(at_.epoch * steps_per_epoch(stage) + at_.step + 1, text);
}

void Engine::finish_epoch(const Stage& stage, Adam& adam) {
  check_losses(stage);
  const double seconds = earlier_seconds_ + seconds_since(epoch_start_);
  nlohmann::json losses = nlohmann::json::object();
  for (const auto& [name, mean] : meter_.means()) losses[name] = mean;
  context_.record({{"stage", stage.name},
                   {"epoch", at_.epoch + 1},
                   {"losses", losses},
                   {"seconds", seconds},
                   {"images_per_second", static_cast<double>(meter_.images()) / seconds}});
  meter_ = {};
  earlier_seconds_ = 0;
  epoch_start_ = Clock::now();
  at_ = {at_.stage, at_.epoch + 1, 0};
  if (at_.epoch < epochs_[at_.stage] &&
      seconds_since(last_checkpoint_) >= context_.checkpoint_seconds)
    write_checkpoint(&adam);
}

void Engine::check_losses(const Stage& stage) {
  const auto faults = meter_.flush();
  if (faults.empty()) return;
  const auto& fault = faults.front();
  throw UserError(
      "training failed: the loss '{}' became {} in stage '{}', epoch {}, step {}; lower the "
      "learning "
      "rate (now {}){}",
      fault.name, fault.value, stage.name, at_.epoch + 1, at_.step + 1 - fault.steps_ago,
      stage.learning_rate, store_.enabled() ? "; the last checkpoint is sound" : "");
}

void Engine::write_checkpoint(const Adam* adam) {
  last_checkpoint_ = Clock::now();
  if (!store_.enabled()) return;
  if (adam && !adam->finite()) {
    const Stage& stage = (*stages_)[at_.stage];
    throw UserError(
        "training failed: a weight became infinite or no number in stage '{}', epoch {}; lower the "
        "learning rate (now {}); the last checkpoint is sound",
        stage.name, at_.epoch + 1, stage.learning_rate);
  }
  Checkpoint checkpoint;
  for (const auto& [name, module] : kept_) save_module(*module, name + "/", checkpoint.tensors);
  for (const auto& [name, device] : generators(context_.device))
    checkpoint.tensors[kGenerator + name] = from_torch(generator_state(device));
  if (adam) adam->save(kOptimiser, checkpoint.tensors);
  checkpoint.state = {{"identity", context_.identity},
                      {"stage", at_.stage},
                      {"epoch", at_.epoch},
                      {"step", at_.step},
                      {"planned_epochs", epochs_},
                      {"losses", meter_.save()},
                      {"seconds", earlier_seconds_ + seconds_since(epoch_start_)}};
  store_.write(checkpoint);
}

void Engine::fit_epochs_to_budget() {
  planned_ = true;
  const double step_seconds = seconds_since(timing_start_) / static_cast<double>(kTimedSteps);
  const double seconds_left = context_.time_budget - seconds_since(run_start_);
  double steps = 0;
  for (std::size_t s = 0; s < epochs_.size(); ++s)
    steps += static_cast<double>(epochs_[s] * steps_per_epoch((*stages_)[s]));
  const double affordable = static_cast<double>(steps_done_) + seconds_left / step_seconds;
  if (affordable >= steps) return;
  for (std::size_t s = 0; s < epochs_.size(); ++s) {
    const auto fitting = static_cast<std::int64_t>(
        std::floor(std::max(0.0, affordable / steps) * static_cast<double>(epochs_[s])));
    const std::int64_t begun = static_cast<std::int64_t>(s) == at_.stage ? at_.epoch + 1 : 1;
    epochs_[s] = std::max(fitting, begun);
  }
  if (context_.progress)
    context_.progress->begin("training: " + (*stages_)[at_.stage].name,
                             epochs_[at_.stage] * steps_per_epoch((*stages_)[at_.stage]));
}

}  // namespace coterie
