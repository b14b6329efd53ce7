#include "console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "coterie/core/text.h"

namespace coterie {
namespace {

constexpr double kQuietStart = 2.0;      // seconds before a phase shows itself
constexpr double kRedraw = 0.1;          // on a terminal
constexpr double kPlainInterval = 10.0;  // elsewhere

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/// There may be no stderr, which is no reason to fail.
void say(const std::string& text) { std::fputs(text.c_str(), stderr); }

}  // namespace

std::string duration_text(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

Console::Console(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}
Console::~Console() { clear_line(); }

void Console::begin(std::string_view phase, std::int64_t total) {
  std::lock_guard lock(mutex_);
  if (shown_ && !terminal_) draw(true);
  clear_line();
  phase_ = phase;
  total_ = total;
  done_ = 0;
  detail_.clear();
  began_ = drawn_ = Clock::now();
  shown_ = false;
}

void Console::update(std::int64_t done, std::string_view detail) {
  if (quiet_) return;
  std::lock_guard lock(mutex_);
  done_ = std::max(done_, done);
  if (!detail.empty()) detail_ = detail;
  if (seconds_since(began_) < kQuietStart) return;
  if (shown_ && seconds_since(drawn_) < (terminal_ ? kRedraw : kPlainInterval)) return;
  draw(false);
}

void Console::end() {
  std::lock_guard lock(mutex_);
  if (shown_) draw(true);
  clear_line();
  shown_ = false;
  phase_.clear();
}

void Console::warn(std::string_view message) {
  std::lock_guard lock(mutex_);
  clear_line();
  say(fmt::format("warning: {}\n", message));
}

void Console::draw(bool final) {
  if (quiet_ || phase_.empty()) return;
  const double elapsed = seconds_since(began_);
  std::string line = phase_;
  if (total_ > 0) {
    const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    if (terminal_) {
      constexpr int kWidth = 24;
      const int filled = static_cast<int>(share * kWidth);
      line +=
          fmt::format(" [{:=<{}}{: <{}}] {:3.0f} %", "", filled, "", kWidth - filled, share * 100);
    } else {
      line += fmt::format(": {}/{}", done_, total_);
    }
    if (!final && share > 0.01)
      line += fmt::format(", {} left", duration_text(elapsed / share * (1 - share)));
  }
  line += fmt::format(", {}", duration_text(elapsed));
  if (!detail_.empty()) line += " | " + detail_;
  if (terminal_) {
    line = line.substr(0, static_cast<std::size_t>(terminal_width() - 1));
    say("\r\x1b[K" + line);
  } else {
    say(line + "\n");
  }
  std::fflush(stderr);
  drawn_ = Clock::now();
  shown_ = true;
}

void Console::clear_line() {
  if (terminal_ && shown_) say("\r\x1b[K");
}

}  // namespace coterie
