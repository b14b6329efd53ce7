#include "coterie/core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <latch>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "coterie/core/error.h"

namespace coterie {
namespace {

constexpr int kMostThreads = 1024;  // as --threads

int processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

/// OMP_NUM_THREADS, of nested levels the outermost; 0 where it says nothing.
int asked_of_openmp() {
  static const int threads = [] {
    const char* text = std::getenv("OMP_NUM_THREADS");
    return text ? std::clamp(std::atoi(text), 0, kMostThreads) : 0;
  }();
  return threads;
}

std::atomic<int> g_threads{0};
thread_local bool t_inside_parallel = false;

}  // namespace

int thread_count() {
  const int threads = g_threads.load(std::memory_order_relaxed);
  if (threads > 0) return threads;
  return asked_of_openmp() > 0 ? asked_of_openmp() : processors();
}

void set_thread_count(int threads) { g_threads.store(threads, std::memory_order_relaxed); }

void SpinBarrier::wait() {
  const unsigned round = round_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    return;
  }
  // About 50 microseconds; where more threads run than there are processors, spinning on only keeps
  // the awaited ones from theirs.
  constexpr int kSpins = 2000;
  for (int spin = 0; round_.load(std::memory_order_acquire) == round; ++spin) {
    if (spin < kSpins) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else {
      std::this_thread::yield();
    }
  }
}

Share share_of(std::int64_t count, int rank, int ranks) {
  return {count * rank / ranks, count * (rank + 1) / ranks};
}

void Team::run(int threads, const std::function<void(int, Team&)>& work) {
  threads = std::max(1, threads);
  Team team(threads);
  // Nobody may wait for one who could not be started.
  std::latch begin(1);
  bool complete = false;
  std::vector<std::thread> others;
  others.reserve(threads - 1);
  try {
    for (int rank = 1; rank < threads; ++rank)
      others.emplace_back([&, rank] {
        begin.wait();
        t_inside_parallel = true;
        if (complete) work(rank, team);
      });
    complete = true;
  } catch (const std::system_error&) {
  }
  begin.count_down();
  if (complete) {
    const bool was_inside = std::exchange(t_inside_parallel, true);
    work(0, team);
    t_inside_parallel = was_inside;
  }
  for (auto& thread : others) thread.join();
  if (!complete)
    throw UserError(
        "the system lets this process start {} of {} threads; give fewer (--threads), or allow it "
        "more",
        others.size() + 1, threads);
}

void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& work) {
  if (count <= 0) return;
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t most = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), most));
  if (threads == 1 || t_inside_parallel) {
    work(0, count);
    return;
  }
  // Four pieces a thread, handed out as they are asked for: a slow core takes fewer.
  const std::int64_t piece = std::max(grain, (count + 4 * threads - 1) / (4 * threads));
  std::atomic<std::int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  Team::run(threads, [&](int, Team&) {
    for (;;) {
      const std::int64_t begin = next.fetch_add(piece);
      if (begin >= count) return;
      try {
        work(begin, std::min(count, begin + piece));
      } catch (...) {
        std::lock_guard lock(failure_mutex);
        if (!failure) failure = std::current_exception();
        next.store(count);
        return;
      }
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace coterie
