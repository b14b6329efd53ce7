// Trainings that are killed at any moment, and gone on with.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "coterie/core/files.h"
#include "coterie/nn/device.h"
#include "testing.h"
#include "train/toy_training.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;
using testing::ToyNetwork;
using testing::ToyPack;

/// Trains two stages of 12 epochs in the folder, going on from what is there; the final weights are
/// left in `result`.
void train(const fs::path& folder, bool restore_generator) {
  apply_thread_count();
  if (!restore_generator) {
    CheckpointStore store(folder / "checkpoints");
    if (auto checkpoint = store.newest()) {
      checkpoint->tensors.erase("random/cpu");
      store.write(*checkpoint);
    }
  }
  ToyPack pack(40);
  ToyNetwork network;
  Engine engine(pack.data, 8,
                {.seed = 6, .checkpoints = folder / "checkpoints", .checkpoint_seconds = 0});
  engine.keep("toy", *network);
  engine.run({testing::toy_stage(network, 12, "first"), testing::toy_stage(network, 12, "second")});
  const auto state = testing::state_of(network);
  write_file(folder / "result",
             std::string_view(reinterpret_cast<const char*>(state.data_ptr<float>()),
                              static_cast<std::size_t>(state.numel()) * sizeof(float)));
}

/// `train` in a process of its own, which starts in an instant: it is a copy of this one, which has
/// loaded libtorch but never used it, so that there are no threads to lose.
class TrainingProcess {
 public:
  explicit TrainingProcess(const fs::path& folder, bool restore_generator = true) : id_(fork()) {
    if (id_ != 0) return;
    try {
      train(folder, restore_generator);
      _exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(1);
    }
  }
  void kill() const { ::kill(id_, SIGKILL); }
  /// 0 when it finished, -SIGKILL where it was killed.
  int wait() const {
    int status = 0;
    waitpid(id_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t id_;
};

std::string result_in(const fs::path& folder) { return read_file(folder / "result", 1 << 24); }

struct Kills {
  int landed = 0;     ///< before the training had finished
  int in_train = 0;   ///< of these, after the first checkpoint
  int different = 0;  ///< results unlike the one of the training that was left alone
};

/// `count` trainings, each killed at a random moment and then gone on with to its end.
Kills kill_and_resume(int count, bool restore_generator) {
  const TemporaryFolder whole;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(TrainingProcess(whole.path()).wait(), 0);
  std::chrono::duration<double> length = std::chrono::steady_clock::now() - begin;
  const std::string expected = result_in(whole.path());
  RandomStream random(3, "kills");
  Kills kills;
  for (int i = 0; i < count; ++i) {
    const TemporaryFolder folder;
    const TrainingProcess killed(folder.path());
    std::this_thread::sleep_for(length * random.uniform());
    killed.kill();
    if (killed.wait() == -SIGKILL) {
      ++kills.landed;
      kills.in_train += CheckpointStore(folder / "checkpoints").newest().has_value();
    } else {
      length *= 0.95;  // The machine was busy when it was measured.
    }
    EXPECT_EQ(TrainingProcess(folder.path(), restore_generator).wait(), 0);
    kills.different += result_in(folder.path()) != expected;
  }
  return kills;
}

TEST(KilledTrainingSlow, GoesOnToTheSameBitsAfterEachOf200Kills) {
  const Kills kills = kill_and_resume(200, /*restore_generator=*/true);
  EXPECT_EQ(kills.different, 0);
  EXPECT_GT(kills.landed, 120);
  EXPECT_GT(kills.in_train, 60);
}

// The control: the comparison above sees a random stream that is not restored.
TEST(KilledTrainingSlow, DoesNotWhereARandomStreamIsNotRestored) {
  EXPECT_GT(kill_and_resume(10, /*restore_generator=*/false).different, 0);
}

}  // namespace
}  // namespace coterie
