#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "coterie/core/error.h"

namespace coterie {

/// Set from a signal handler or another thread; long work calls `check` between its steps.
class CancelToken {
 public:
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
  /// Throws Interrupted when `cancel` was called.
  void check() const {
    if (cancelled()) throw Interrupted();
  }

 private:
  std::atomic<bool> cancelled_{false};
};

/// Where the library says how far it is. All calls may come from any thread. The default does
/// nothing, so the library alone never prints.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A phase of `total` units begins (0: unknown). It ends with the next `begin` or `end`.
  virtual void begin(std::string_view /*phase*/, std::int64_t /*total*/) {}
  /// `done` units of the phase are finished; `detail` is a short text such as losses.
  virtual void update(std::int64_t /*done*/, std::string_view /*detail*/ = {}) {}
  virtual void end() {}
  virtual void warn(std::string_view /*message*/) {}
};

}  // namespace coterie
