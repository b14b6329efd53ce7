#include "coterie/train/engine.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "coterie/core/error.h"
#include "coterie/core/text.h"
#include "coterie/nn/batch_norm.h"
#include "coterie/nn/device.h"
#include "coterie/nn/tensors.h"
#include "coterie/train/gradient_reducer.h"

namespace coterie {
namespace {

constexpr std::int64_t kWarmSteps = 3;        // not timed: libraries compile their kernels in them
constexpr std::int64_t kTimedSteps = 20;      // what a time budget is judged by,
constexpr std::int64_t kLeastTimedSteps = 3;  // or fewer where they
constexpr double kTimedSeconds = 2;           // take this long
constexpr std::int64_t kGpuFlushSteps = 20;   // between two looks at the losses
constexpr double kLongestLoss = 600;          // seconds of training that a crash may cost
constexpr double kLongestLossTogether = 60;   // the same where a peer may be lost as well
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

/// The checkpoint that the first process has, in all processes.
std::optional<Checkpoint> shared_checkpoint(std::optional<Checkpoint> own,
                                            const Processes& processes) {
  if (processes.size() == 1) return own;
  nlohmann::json head = nullptr;
  if (own) {
    auto tensors = nlohmann::json::array();
    for (const auto& [name, tensor] : own->tensors)
      tensors.push_back({name, static_cast<int>(tensor.dtype), tensor.shape});
    head = {{"state", own->state}, {"tensors", tensors}};
  }
  head = nlohmann::json::parse(processes.broadcast(head.dump()));
  if (head.is_null()) return std::nullopt;
  Checkpoint shared{head.at("state"), {}};
  for (const auto& entry : head.at("tensors")) {
    const std::string name = entry.at(0);
    std::string bytes;
    if (own) {
      const auto& stored = own->tensors.at(name).bytes;
      bytes.assign(reinterpret_cast<const char*>(stored.data()), stored.size());
    }
    bytes = processes.broadcast(bytes);
    Tensor tensor{static_cast<DType>(entry.at(1).get<int>()), entry.at(2), {}};
    const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
    tensor.bytes.assign(begin, begin + bytes.size());
    shared.tensors.emplace(name, std::move(tensor));
  }
  return shared;
}

void check_identity(const nlohmann::json& stored, const nlohmann::json& wanted,
                    const std::filesystem::path& folder) {
  for (const auto& [key, value] : wanted.items())
    if (!stored.contains(key) || stored.at(key) != value)
      throw UserError(
          "the checkpoint in {} is of another training: {} was {}, now it is {}; resume with what "
          "it was started with, or begin in another folder",
          printable(folder.native()), key, stored.contains(key) ? stored.at(key).dump() : "absent",
          value.dump());
}

/// For the end of an error that stops the training.
const char* note_of_checkpoint(const CheckpointStore& store) {
  const bool any = store.enabled() && store.newest();
  return any ? "; the last checkpoint is sound" : "";
}

}  // namespace

Engine::Engine(const TrainingData& data, std::int64_t side, TrainContext context)
    : data_(data),
      context_(std::move(context)),
      store_(processes().first() ? context_.checkpoints : std::filesystem::path()),
      loader_(data, side, context_.device) {
  apply_thread_count();
  torch::manual_seed(
      RandomStream(context_.seed, "torch", static_cast<std::uint64_t>(processes().rank())).next());
}

Engine::~Engine() {
  for (const auto& module : shared_norms_) synchronise_batch_norms(*module, {});
}

void Engine::share_batch_norms(torch::nn::Module& module) {
  if (processes().size() == 1) return;
  synchronise_batch_norms(module, [this](const auto& local) { return processes().sum(local); });
  shared_norms_.push_back(module.shared_from_this());
}

void Engine::keep(std::string name, torch::nn::Module& module) {
  kept_.emplace_back(std::move(name), module.shared_from_this());
}

void Engine::run(const std::vector<Stage>& stages) {
  stages_ = &stages;
  check_batches(stages);
  run_start_ = last_checkpoint_ = Clock::now();
  for (const Stage& stage : stages) epochs_.push_back(stage.epochs);
  resume();
  while (at_.stage < static_cast<std::int64_t>(stages.size())) {
    run_stage(stages[at_.stage]);
    check_weights();
    settle(stages[at_.stage]);
    optimiser_.reset();
    at_ = {at_.stage + 1, 0, 0};
    planned_ = false;
    write_checkpoint(/*stage_end=*/true);
  }
  if (context_.progress) context_.progress->end();
}

void Engine::settle_batch_norms(std::vector<torch::nn::Module*> modules,
                                std::function<void(const torch::Tensor&)> network) {
  settling_ = std::move(modules);
  settling_network_ = std::move(network);
}

void Engine::settle(const Stage& stage) {
  constexpr std::int64_t kRemembered = 20, kBatch = 256;
  if (!settling_network_ || stage.items.count || steps_per_epoch(stage) >= kRemembered) return;
  for (auto* module : settling_) module->eval();
  renew_running_statistics(stage.trained, [&] {
    const std::int64_t batches = (data_.count + kBatch - 1) / kBatch;
    for (std::int64_t b = 0; b < batches; ++b) {
      // Resumed, the stage has no epochs left and settles.
      if (cancelled(b + 1, batches)) {
        write_checkpoint(false);
        throw Interrupted();
      }
      const std::int64_t begin = data_.count * b / batches;
      std::vector<std::int64_t> rows(
          static_cast<std::size_t>(data_.count * (b + 1) / batches - begin));
      std::iota(rows.begin(), rows.end(), begin);
      settling_network_(images(rows));
    }
  });
  for (auto* module : settling_) module->train();
  share_kept();
}

void Engine::check_batches(const std::vector<Stage>& stages) const {
  const std::int64_t processes_here = processes().size();
  for (const Stage& stage : stages) {
    if (stage.batch_size % processes_here != 0)
      throw UserError("batch_size = {} cannot be shared by {} processes; choose a multiple of {}",
                      stage.batch_size, processes_here, processes_here);
    if (!stage.items.count && data_.count < 2 * processes_here)
      throw UserError("{} images are too few for {} processes; train in fewer", data_.count,
                      processes_here);
  }
}

void Engine::share_kept() const {
  if (processes().size() == 1) return;
  for (const auto& [name, module] : kept_) {
    for (auto& tensor : module->parameters()) processes().broadcast(tensor);
    for (auto& tensor : module->buffers()) processes().broadcast(tensor);
  }
}

void Engine::resume() {
  const auto say = [this](const std::string& text) {
    if (context_.progress) context_.progress->warn(text);
  };
  const auto checkpoint = shared_checkpoint(store_.newest(say), processes());
  if (!checkpoint) {
    // Whatever happens to a peer, there is something to go on from.
    if (processes().size() > 1) write_checkpoint(false);
    return;
  }
  const auto& state = checkpoint->state;
  check_identity(state.at("identity"), context_.identity, context_.checkpoints);
  for (const auto& [name, module] : kept_) load_module(*module, name + "/", checkpoint->tensors);
  at_ = {state.at("stage").get<std::int64_t>(), state.at("epoch").get<std::int64_t>(),
         state.at("step").get<std::int64_t>()};
  if (processes().first()) {
    for (const auto& [name, device] : generators(context_.device)) {
      const auto stored = checkpoint->tensors.find(kGenerator + name);
      if (stored != checkpoint->tensors.end())
        set_generator_state(device, to_torch(stored->second));
    }
  } else {  // The state of the others is not kept: they go on with fresh numbers.
    torch::manual_seed(RandomStream(context_.seed, fmt::format("torch/{}", processes().rank()),
                                    static_cast<std::uint64_t>(at_.step))
                           .next());
  }
  for (const auto& [name, tensor] : checkpoint->tensors)
    if (name.starts_with(kOptimiser)) stored_optimiser_[name] = tensor;
  epochs_ = state.at("planned_epochs").get<std::vector<std::int64_t>>();
  planned_ = state.at("planned");
  meter_.load(state.at("losses"));
  // Between epochs nothing is counted, and the next stage may have other clusters.
  if (at_.step > 0) stored_clusters_ = state.at("cluster_sizes");
  earlier_seconds_ = state.at("seconds");
  earlier_run_seconds_ = state.value("run_seconds", 0.0);
  last_epoch_ = state.value("last_epoch", nlohmann::json());
}

std::int64_t Engine::item_count(const Stage& stage) const {
  return stage.items.count ? stage.items.count() : data_.count;
}

std::vector<std::int64_t> Engine::images_of(const Stage& stage,
                                            const std::vector<std::int64_t>& items) const {
  return stage.items.count ? stage.items.images(items) : items;
}

std::int64_t Engine::steps_per_epoch(const Stage& stage) const {
  const std::int64_t count = item_count(stage);
  if (stage.even_batches) {
    const std::int64_t most = count / (2 * processes().size());
    return std::clamp<std::int64_t>((count + stage.batch_size - 1) / stage.batch_size, 1,
                                    std::max<std::int64_t>(1, most));
  }
  const std::int64_t rest = count % stage.batch_size / processes().size();
  // One image is too few for batch norm; another item has two.
  const std::int64_t least = stage.items.count ? 1 : 2;
  return count / stage.batch_size + (rest >= least ? 1 : 0);
}

std::vector<std::int64_t> Engine::items_of_step(const Stage& stage, std::int64_t step) const {
  const std::int64_t steps = steps_per_epoch(stage);
  const std::int64_t count = item_count(stage);
  const auto begin_of = [&](std::int64_t batch) {
    return stage.even_batches ? count * batch / steps : std::min(count, batch * stage.batch_size);
  };
  const std::int64_t begin = begin_of(step);
  const std::int64_t share = (begin_of(step + 1) - begin) / processes().size();
  const auto first = order_.begin() + begin + share * processes().rank();
  return {first, first + share};
}

double Engine::learning_rate(const Stage& stage, std::int64_t step) const {
  const auto steps = static_cast<double>(steps_per_epoch(stage));
  const double done = static_cast<double>(at_.epoch) * steps + static_cast<double>(step);
  const double rising = stage.warm_up * steps;
  if (done < rising) return stage.learning_rate * (done + 1) / (rising + 1);
  if (stage.schedule == LearningRate::constant) return stage.learning_rate;
  const double all = static_cast<double>(epochs_[at_.stage]) * steps;
  const double progress = (done - rising) / std::max(1.0, all - rising);
  return stage.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

void Engine::run_stage(const Stage& stage) {
  for (auto* module : stage.trained) module->train();
  optimiser_ = std::make_unique<Optimiser>(stage.trained, stage.optimiser);
  if (!stored_optimiser_.empty()) optimiser_->load(kOptimiser, stored_optimiser_);
  stored_optimiser_.clear();
  reducer_.reset();
  if (processes().size() > 1)
    reducer_ = std::make_unique<GradientReducer>(optimiser_->parameters(), optimiser_->gradients(),
                                                 processes());
  clusters_.start(stage.clusters, context_.device);
  if (!stored_clusters_.is_null()) clusters_.load(std::exchange(stored_clusters_, nullptr));
  stage_steps_ = timed_epochs_ = 0;
  sizes_text_.clear();
  if (context_.time_budget <= 0) planned_ = true;
  if (context_.progress)
    context_.progress->begin("training: " + stage.name,
                             epochs_[at_.stage] * steps_per_epoch(stage));
  while (at_.epoch < epochs_[at_.stage]) run_epoch(stage);
  reducer_.reset();
}

void Engine::run_epoch(const Stage& stage) {
  if (stage.before_epoch && at_.step == 0) {
    stage.before_epoch(at_.epoch);
    share_kept();
  }
  order_.resize(static_cast<std::size_t>(item_count(stage)));
  std::iota(order_.begin(), order_.end(), 0);
  RandomStream(context_.seed, "order/" + stage.name, at_.epoch).shuffle(std::span(order_));
  epoch_start_ = Clock::now();
  epoch_images_ = 0;
  const double longest_loss = processes().size() > 1 ? kLongestLossTogether : kLongestLoss;
  const std::int64_t steps = steps_per_epoch(stage);
  while (at_.step < steps) {
    train_step(stage, items_of_step(stage, at_.step));
    ++at_.step;
    const bool stop = cancelled(at_.step, steps);
    if (stop || (at_.step < steps && seconds_since(last_checkpoint_) > longest_loss)) {
      check_losses(stage, at_.step);
      write_checkpoint(false);
      if (stop) throw Interrupted();
    }
  }
  finish_epoch(stage);
}

bool Engine::cancelled(std::int64_t step, std::int64_t steps) const {
  const bool here = context_.cancel && context_.cancel->cancelled();
  if (processes().size() == 1) return here;
  // All stop after the same step. Asking makes a GPU wait: there it happens now and then.
  if (context_.device.is_cuda() && step % kGpuFlushSteps != 0 && step != steps) return false;
  return processes().any(here);
}

void Engine::train_step(const Stage& stage, const std::vector<std::int64_t>& items) {
  const std::vector<std::int64_t> rows = images_of(stage, items);
  const std::int64_t number = at_.epoch * steps_per_epoch(stage) + at_.step;
  const auto rank = static_cast<std::uint64_t>(processes().rank());
  Batch batch{rows,
              stage.items.count ? items : std::vector<std::int64_t>(),
              loader_.batch(rows),
              at_.epoch,
              at_.step,
              RandomStream(context_.seed, "step/" + stage.name, number + (rank << 48)),
              context_.seed,
              stage.name};
  if (at_.step + 1 < steps_per_epoch(stage))
    loader_.prefetch(images_of(stage, items_of_step(stage, at_.step + 1)));
  const Losses losses = stage.step(batch);
  meter_.add(losses, static_cast<std::int64_t>(items.size()));
  clusters_.add(losses.labels);
  // Looking at a loss makes a GPU wait: there it happens now and then.
  if (!context_.device.is_cuda() || number % kGpuFlushSteps == 0) check_losses(stage, at_.step + 1);
  optimiser_->zero_gradients();
  if (reducer_) reducer_->start();
  losses.total.backward();
  if (reducer_) reducer_->finish();
  optimiser_->step(learning_rate(stage, at_.step));

  epoch_images_ += static_cast<std::int64_t>(items.size()) * processes().size();
  ++stage_steps_;
  if (stage_steps_ == kWarmSteps) timing_start_ = Clock::now();
  if (!planned_) time_steps();
  report(stage);
}

void Engine::report(const Stage& stage) {
  if (!context_.progress || meter_.images() == 0) return;
  std::string text = fmt::format("epoch {}/{}, {:.0f} images/s", at_.epoch + 1, epochs_[at_.stage],
                                 static_cast<double>(epoch_images_) / seconds_since(epoch_start_));
  for (const auto& [name, mean] : meter_.means()) text += fmt::format(", {} {:.5g}", name, mean);
  context_.progress->update(at_.epoch * steps_per_epoch(stage) + at_.step + 1, text + sizes_text_);
}

void Engine::finish_epoch(const Stage& stage) {
  check_losses(stage, at_.step);
  const double seconds = earlier_seconds_ + seconds_since(epoch_start_);
  const std::int64_t images = meter_.images() * processes().size();
  std::map<std::string, double> losses;
  for (const auto& [name, mean] : meter_.means()) {
    const auto sum = processes().sum(
        torch::full({1}, mean, torch::TensorOptions(torch::kDouble).device(context_.device)));
    losses[name] = sum.item<double>() / processes().size();
  }
  if (stage.finished && processes().any(stage.finished(at_.epoch, losses)))
    epochs_[at_.stage] = at_.epoch + 1;
  nlohmann::json line = {
      {"stage", stage.name}, {"epoch", at_.epoch + 1},
      {"losses", losses},    {"learning_rate", learning_rate(stage, at_.step - 1)},
      {"seconds", seconds},  {"images_per_second", static_cast<double>(images) / seconds}};
  if (clusters_.counting()) {
    clusters_.counts() = processes().sum(clusters_.counts().to(torch::kDouble)).to(torch::kLong);
    const auto sizes = clusters_.sizes();
    line["cluster_sizes"] = sizes;
    const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
    sizes_text_ = fmt::format(", clusters of {} to {} images", *least, *most);
    if (const std::string collapse = collapse_of(sizes); !collapse.empty()) {
      line["collapse"] = collapse;
      if (context_.progress && processes().first() &&
          std::exchange(warned_of_, at_.stage) != at_.stage)
        context_.progress->warn(fmt::format(
            "stage '{}', epoch {}: {}; the clustering may have collapsed. Try another seed, a "
            "lower learning rate or larger batches",
            stage.name, at_.epoch + 1, collapse));
    }
    clusters_.start(stage.clusters, context_.device);
  }
  last_epoch_ = line;
  if (processes().first()) {
    context_.record(line);
    const bool has_clusters = std::any_of(stages_->begin(), stages_->begin() + at_.stage + 1,
                                          [](const Stage& one) { return one.clusters > 0; });
    context_.look({stage.name, at_.epoch + 1, has_clusters});
    for (auto* module : stage.trained) module->train();
  }
  meter_ = {};
  earlier_seconds_ = 0;
  epoch_start_ = Clock::now();
  at_ = {at_.stage, at_.epoch + 1, 0};
  time_epoch();
  if (at_.epoch < epochs_[at_.stage] &&
      seconds_since(last_checkpoint_) >= context_.checkpoint_seconds)
    write_checkpoint(false);
}

void Engine::check_losses(const Stage& stage, std::int64_t steps_done) {
  const auto faults = meter_.flush();
  if (faults.empty()) return;
  const auto& fault = faults.front();
  throw UserError(
      "training failed: the loss '{}' became {} in stage '{}', epoch {}, step {}; lower the "
      "learning rate (now {}){}",
      fault.name, fault.value, stage.name, at_.epoch + 1, steps_done - fault.steps_ago,
      stage.learning_rate, note_of_checkpoint(store_));
}

void Engine::check_weights() const {
  if (!optimiser_ || optimiser_->finite()) return;
  const Stage& stage = (*stages_)[at_.stage];
  throw UserError(
      "training failed: a weight became infinite or no number in stage '{}', epoch {}; lower the "
      "learning rate (now {}){}",
      stage.name, at_.epoch + 1, stage.learning_rate, note_of_checkpoint(store_));
}

void Engine::write_checkpoint(bool stage_end) {
  last_checkpoint_ = Clock::now();
  if (!store_.enabled()) return;
  check_weights();
  Checkpoint checkpoint;
  for (const auto& [name, module] : kept_) save_module(*module, name + "/", checkpoint.tensors);
  for (const auto& [name, device] : generators(context_.device))
    checkpoint.tensors[kGenerator + name] = from_torch(generator_state(device));
  if (optimiser_) optimiser_->save(kOptimiser, checkpoint.tensors);
  const double epoch_seconds = at_.step > 0 ? seconds_since(epoch_start_) : 0;
  checkpoint.state = {{"identity", context_.identity},
                      {"stage", at_.stage},
                      {"epoch", at_.epoch},
                      {"step", at_.step},
                      {"planned_epochs", epochs_},
                      {"planned", planned_},
                      {"losses", meter_.save()},
                      {"last_epoch", last_epoch_},
                      {"cluster_sizes", clusters_.save()},
                      {"seconds", earlier_seconds_ + epoch_seconds},
                      {"run_seconds", earlier_run_seconds_ + seconds_since(run_start_)}};
  try {
    store_.write(checkpoint, stage_end);
  } catch (const UserError& error) {
    // A full disk may have room again before the training ends.
    if (!context_.progress) throw;
    context_.progress->warn(fmt::format(
        "no checkpoint could be written ({}); the one before, where there is one, stays",
        error.what()));
  }
}

void Engine::time_steps() {
  const std::int64_t timed = stage_steps_ - kWarmSteps;
  if (timed < kLeastTimedSteps) return;
  const double seconds = seconds_since(timing_start_);
  // Processes together count steps alone, as their clocks differ.
  const bool enough = timed >= kTimedSteps || (processes().size() == 1 && seconds > kTimedSeconds);
  if (!enough) return;
  planned_ = true;
  const auto done = at_.epoch * steps_per_epoch((*stages_)[at_.stage]) + at_.step + 1;
  fit_epochs_to_budget(seconds / static_cast<double>(timed), done);
}

void Engine::time_epoch() {
  if (context_.time_budget <= 0 || stage_steps_ < kWarmSteps + kLeastTimedSteps) return;
  // A stage's first epoch begins with work that the others do not have.
  if (timed_epochs_++ == 0) {
    timed_epochs_start_ = Clock::now();
    return;
  }
  const std::int64_t steps = steps_per_epoch((*stages_)[at_.stage]);
  const auto timed = static_cast<double>((timed_epochs_ - 1) * steps);
  planned_ = true;
  fit_epochs_to_budget(seconds_since(timed_epochs_start_) / timed, at_.epoch * steps);
}

void Engine::fit_epochs_to_budget(double step_seconds, std::int64_t done) {
  const double seconds_left =
      context_.time_budget - earlier_run_seconds_ - seconds_since(run_start_);
  const auto stage_count = static_cast<std::int64_t>(stages_->size());
  const std::vector<std::int64_t> before = epochs_;
  double steps_wanted = 0;  // from the start of this stage
  for (std::int64_t s = at_.stage; s < stage_count; ++s)
    steps_wanted += static_cast<double>((*stages_)[s].epochs * steps_per_epoch((*stages_)[s]));
  const double affordable = static_cast<double>(done) + std::max(0.0, seconds_left / step_seconds);
  const double share = std::min(1.0, affordable / steps_wanted);
  const std::int64_t steps = steps_per_epoch((*stages_)[at_.stage]);
  for (std::int64_t s = at_.stage; s < stage_count; ++s) {
    const auto fitting =
        static_cast<std::int64_t>(std::floor(share * static_cast<double>((*stages_)[s].epochs)));
    const std::int64_t least = s == at_.stage ? (done + steps - 1) / steps : 1;
    epochs_[s] = std::min(epochs_[s], std::max(fitting, least));
  }
  epochs_ = nlohmann::json::parse(processes().broadcast(nlohmann::json(epochs_).dump()))
                .get<std::vector<std::int64_t>>();
  if (!context_.progress || epochs_ == before) return;
  std::vector<std::string> cut;
  for (std::int64_t s = at_.stage; s < stage_count; ++s)
    if (const Stage& one = (*stages_)[s]; epochs_[s] < one.epochs)
      cut.push_back(fmt::format("{} of {} in stage '{}'", epochs_[s], one.epochs, one.name));
  if (processes().first())
    context_.progress->warn("epochs that the time budget allows: " + join(cut, ", "));
  context_.progress->begin("training: " + (*stages_)[at_.stage].name, epochs_[at_.stage] * steps);
}

}  // namespace coterie
