#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace coterie {

/// How many threads coterie's own loops use. The one place where thread counts are set: the
/// network layer takes its count from here too. Until it is set, and where it is set to 0:
/// OMP_NUM_THREADS, where that is a number above 0; else the processors this process may run on.
int thread_count();
void set_thread_count(int threads);

/// Calls `work(begin, end)` on disjoint ranges that cover [0, count), on up to thread_count()
/// threads, at least `grain` items a call but the last. Returns when all is done; the first
/// exception is rethrown. A call from inside such work runs in the calling thread.
void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& work);

/// The equal share [begin, end) of `count` items that `rank` of `ranks` takes.
struct Share {
  std::int64_t begin;
  std::int64_t end;
};
Share share_of(std::int64_t count, int rank, int ranks);

/// Lets no one pass `wait` before all threads have arrived. They spin for a while first, as the
/// steps between are short, then give up their processor.
class SpinBarrier {
 public:
  explicit SpinBarrier(int threads) : threads_(threads) {}
  void wait();

 private:
  int threads_;
  std::atomic<int> arrived_{0};
  std::atomic<unsigned> round_{0};
};

/// Threads that work in step: `work(rank, team)` runs once for each rank in [0, threads), and
/// `team.wait()` lets no one pass before all have arrived. `work` must not throw.
class Team {
 public:
  explicit Team(int threads) : threads_(threads), barrier_(threads) {}
  int threads() const { return threads_; }
  void wait() {
    if (threads_ > 1) barrier_.wait();
  }
  /// One thread where `threads` is less than one. Throws UserError, with no work begun, where so
  /// many cannot be started.
  static void run(int threads, const std::function<void(int rank, Team&)>& work);

 private:
  int threads_;
  SpinBarrier barrier_;
};

}  // namespace coterie
