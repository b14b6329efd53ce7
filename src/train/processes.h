#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "coterie/nn/torch.h"

namespace coterie {

/// Who takes part in a training, and where they meet.
struct ProcessSettings {
  int rank = 0;          ///< RANK: 0 to size - 1
  int size = 1;          ///< WORLD_SIZE
  int local_rank = 0;    ///< LOCAL_RANK: among the processes of this machine; its GPU
  std::string address;   ///< MASTER_ADDR: where process 0 listens
  int port = 0;          ///< MASTER_PORT
  double timeout = 300;  ///< COTERIE_PEER_TIMEOUT: seconds that one wait for the others may take
  bool agent_store = false;  ///< TORCHELASTIC_USE_AGENT_STORE: torchrun listens, not process 0
  std::string attempt;       ///< TORCHELASTIC_RESTART_COUNT: keeps torchrun's restarts apart
};

/// From the variables named above, which torchrun and `coterie launch` set. One process where
/// WORLD_SIZE is absent or 1. Throws UserError where one is missing or out of range.
ProcessSettings process_settings_from_environment();

/// The processes of one training: each has a copy of the networks and its own part of every batch.
///
/// The loss of a process is its share such that the *mean* over processes is the loss of the global
/// batch: with images split evenly, each takes the mean over its own. So gradients of parameters
/// are averaged over processes (GradientReducer). Inside the graph gradients are *summed*: what
/// `gather` or `sum` gives enters the loss of every process, hence d(sum of all losses)/d(local) is
/// the sum of what flows back in each of them; the average at the end then divides once.
///
/// All processes call the same operations in the same order, with tensors of the same shape and
/// type, and build the same graph: backward passes communicate, too. Every wait is bounded by
/// `timeout`; PeerLost is thrown where another process ended or did not answer in time.
class Processes {
 public:
  /// A process alone: every operation is the identity.
  Processes();
  /// Joins the others; returns when all are there. Tensors are to be on `device`. On a GPU NCCL
  /// carries them where this program was built with it, otherwise Gloo. Throws UserError where not
  /// all come within the timeout, or this program was built with neither.
  Processes(const ProcessSettings& settings, torch::Device device);

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool first() const { return rank_ == 0; }

  /// The rows of all processes in the order of ranks, [B, ...] to [size * B, ...]. Differentiable
  /// once: this process's slice of the summed gradient.
  torch::Tensor gather(const torch::Tensor& local) const;
  /// The sum over processes, of the shape of `local`. Differentiable once: the summed gradient.
  torch::Tensor sum(const torch::Tensor& local) const;

  /// Gives every process the values of process 0.
  void broadcast(torch::Tensor& tensor) const;
  std::string broadcast(const std::string& bytes) const;

  /// Whether the flag is set in any process.
  bool any(bool flag) const;
  /// Returns when all have come here.
  void barrier() const { any(false); }

  /// A sum that goes on while other work is done.
  class PendingSum {
   public:
    /// Returns when the sum is there.
    void wait() { wait_(); }

   private:
    friend class Processes;
    explicit PendingSum(std::function<void()> wait) : wait_(std::move(wait)) {}
    std::function<void()> wait_;
  };
  /// Begins to replace the values of `slice`, a contiguous tensor, by their sum over processes.
  /// They must not be touched before `wait` returns.
  PendingSum start_sum(torch::Tensor slice) const;

 private:
  struct Group;
  struct Gather;
  struct Sum;

  int rank_ = 0;
  int size_ = 1;
  std::shared_ptr<Group> group_;  // null for a process alone
};

}  // namespace coterie
