#include "coterie/core/parallel.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "coterie/core/progress.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;

/// Sets the number of threads while this lives.
class Threads {
 public:
  explicit Threads(int count) { set_thread_count(count); }
  ~Threads() { set_thread_count(0); }
};

TEST(ParallelFor, CallsEachIndexOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads set(threads);
    for (const std::int64_t count : {0, 1, 2, 7, 100, 1001})
      for (const std::int64_t grain : {-1, 0, 1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> calls(count);
        parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
          ASSERT_LE(0, begin);
          ASSERT_LT(begin, end);
          ASSERT_LE(end, count);
          for (auto i = begin; i < end; ++i) ++calls[i];
        });
        for (std::int64_t i = 0; i < count; ++i)
          ASSERT_EQ(calls[i], 1) << i << " of " << count << ", grain " << grain;
      }
  }
}

TEST(ParallelFor, PiecesHoldTheGrain) {
  const Threads set(4);
  std::mutex mutex;
  std::vector<std::int64_t> sizes;
  parallel_for(1000, 90, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(mutex);
    if (end != 1000) sizes.push_back(end - begin);
  });
  EXPECT_FALSE(sizes.empty());
  for (const auto size : sizes) EXPECT_GE(size, 90);
}

TEST(ParallelFor, UsesSeveralThreads) {
  const Threads set(3);
  std::mutex mutex;
  std::set<std::thread::id> ids;
  std::atomic<int> arrived{0};
  // No piece ends before three threads have one.
  parallel_for(12, 1, [&](std::int64_t, std::int64_t) {
    {
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    }
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  EXPECT_EQ(ids.size(), 3u);
}

TEST(ParallelFor, OneThreadWorksInTheCaller) {
  const Threads set(1);
  parallel_for(10, 1, [](std::int64_t begin, std::int64_t end) {
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 10);
  });
}

TEST(ParallelFor, RethrowsWhatAPieceThrows) {
  for (const int threads : {1, 4}) {
    const Threads set(threads);
    try {
      parallel_for(1000, 1, [](std::int64_t begin, std::int64_t end) {
        for (auto i = begin; i < end; ++i)
          if (i == 500) throw UserError("item 500 is bad");
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const UserError& error) {
      EXPECT_STREQ(error.what(), "item 500 is bad");
    }
    // The next call works as ever.
    std::atomic<std::int64_t> sum{0};
    parallel_for(10, 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) sum += i;
    });
    EXPECT_EQ(sum, 45);
  }
}

TEST(ParallelFor, NoPieceStartsLongAfterAFailure) {
  const Threads set(2);
  std::atomic<bool> failing{false};
  std::atomic<int> pieces{0};
  EXPECT_THROW(parallel_for(8, 1,
                            [&](std::int64_t begin, std::int64_t) {
                              ++pieces;
                              if (begin == 0) {
                                failing = true;
                                throw Interrupted();
                              }
                              while (!failing) std::this_thread::yield();
                              std::this_thread::sleep_for(std::chrono::milliseconds(30));
                            }),
               Interrupted);
  EXPECT_LT(pieces, 8);
}

TEST(ParallelFor, EveryPieceThrowing) {
  const Threads set(4);
  EXPECT_THROW(parallel_for(100, 1, [](std::int64_t, std::int64_t) { throw Interrupted(); }),
               Interrupted);
}

TEST(ParallelFor, NestedCallsRunInTheirThread) {
  const Threads set(4);
  std::atomic<int> calls{0};
  parallel_for(8, 1, [&](std::int64_t begin, std::int64_t end) {
    const auto outer = std::this_thread::get_id();
    for (auto i = begin; i < end; ++i)
      parallel_for(5, 1, [&](std::int64_t from, std::int64_t to) {
        EXPECT_EQ(std::this_thread::get_id(), outer);
        EXPECT_EQ(from, 0);
        EXPECT_EQ(to, 5) << "a nested call is one piece";
        calls += static_cast<int>(to - from);
      });
  });
  EXPECT_EQ(calls, 40);
}

TEST(ParallelFor, TheCallerMayGoParallelAgainAfterwards) {
  const Threads set(2);
  EXPECT_THROW(parallel_for(8, 1, [](std::int64_t, std::int64_t) { throw Interrupted(); }),
               Interrupted);
  int pieces = 0;
  std::mutex mutex;
  parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    ++pieces;
  });
  EXPECT_GT(pieces, 1) << "the caller still counts as inside parallel work";
}

TEST(ThreadCount, ZeroMeansTheProcessors) {
  set_thread_count(5);
  EXPECT_EQ(thread_count(), 5);
  set_thread_count(0);
  EXPECT_GE(thread_count(), 1);
}

TEST(ShareOf, CoversAllAndDiffersByOneAtMost) {
  for (const std::int64_t count : {0, 1, 5, 100, 101})
    for (const int ranks : {1, 2, 3, 7}) {
      std::int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const Share share = share_of(count, rank, ranks);
        EXPECT_EQ(share.begin, next);
        EXPECT_GE(share.end - share.begin, count / ranks);
        EXPECT_LE(share.end - share.begin, (count + ranks - 1) / ranks);
        next = share.end;
      }
      EXPECT_EQ(next, count);
    }
}

TEST(Team, BeginsNoWorkWhereAThreadCannotBeStarted) {
  pthread_attr_t before, impossible;
  ASSERT_EQ(pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(pthread_attr_init(&impossible), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&impossible, std::size_t{1} << 46), 0);
  ASSERT_EQ(pthread_setattr_default_np(&impossible), 0);
  std::atomic<int> calls{0};
  EXPECT_CONTAINS(user_error_of([&] { Team::run(3, [&](int, Team&) { ++calls; }); }),
                  "start 1 of 3 threads");
  EXPECT_EQ(calls, 0);
  ASSERT_EQ(pthread_setattr_default_np(&before), 0);
  Team::run(3, [&](int, Team&) { ++calls; });
  EXPECT_EQ(calls, 3);
  pthread_attr_destroy(&before);
  pthread_attr_destroy(&impossible);
}

TEST(Team, NoOnePassesTheBarrierBeforeAllArrive) {
  constexpr int kThreads = 4, kRounds = 200;
  std::vector<std::atomic<int>> step(kThreads);
  std::atomic<int> early{0};
  Team::run(kThreads, [&](int rank, Team& team) {
    for (int round = 1; round <= kRounds; ++round) {
      step[rank] = round;
      team.wait();
      for (const auto& other : step) early += other < round;
      team.wait();
    }
  });
  EXPECT_EQ(early, 0);
  for (const auto& last : step) EXPECT_EQ(last, kRounds);
}

TEST(Team, EachRankOnce) {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::atomic<int>> calls(threads);
    Team::run(threads, [&](int rank, Team& team) {
      EXPECT_EQ(team.threads(), threads);
      ++calls[rank];
    });
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
}

TEST(Team, FewerThanOneThreadIsOne) {
  for (const int threads : {0, -3}) {
    int calls = 0;
    Team::run(threads, [&](int, Team& team) {
      team.wait();
      ++calls;
    });
    EXPECT_EQ(calls, 1);
  }
}

TEST(CancelToken, ThrowsOnceCancelled) {
  CancelToken cancel;
  EXPECT_NO_THROW(cancel.check());
  std::thread([&] { cancel.cancel(); }).join();
  EXPECT_TRUE(cancel.cancelled());
  EXPECT_THROW(cancel.check(), Interrupted);
}

}  // namespace
}  // namespace coterie
