#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "coterie/core/progress.h"

namespace coterie {

/// Progress on stderr: a bar that redraws itself on a terminal, a plain line now and then
/// elsewhere. Phases that end within two seconds show nothing.
class Console : public Progress {
 public:
  explicit Console(bool quiet);
  ~Console() override;

  void begin(std::string_view phase, std::int64_t total) override;
  void update(std::int64_t done, std::string_view detail) override;
  void end() override;
  /// Warnings are shown also when quiet.
  void warn(std::string_view message) override;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(bool final);
  void clear_line();

  bool quiet_;
  bool terminal_;
  std::mutex mutex_;
  std::string phase_;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  std::string detail_;
  Clock::time_point began_;
  Clock::time_point drawn_;
  bool shown_ = false;
};

/// Seconds as a person says them: "4.2 s", "3 min 20 s", "1 h 5 min".
std::string duration_text(double seconds);

}  // namespace coterie
