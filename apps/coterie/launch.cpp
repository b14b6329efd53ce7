#include "launch.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kExitInterrupted = 130;
constexpr int kCannotStart = 127;

/// A port of this machine that nobody listens on at the moment.
int free_port() {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const bool found = bind(handle, any, length) == 0 && getsockname(handle, any, &length) == 0;
  close(handle);
  if (!found) throw UserError("no port is free on 127.0.0.1 for the processes to meet");
  return ntohs(address.sin_port);
}

std::string end_of(int status) {
  if (WIFEXITED(status)) return fmt::format("ended with exit code {}", WEXITSTATUS(status));
  const char* name = sigabbrev_np(WTERMSIG(status));
  return fmt::format("was ended by SIG{}", name ? name : std::to_string(WTERMSIG(status)));
}

class Launcher {
 public:
  explicit Launcher(const Launch& settings) : settings_(settings), children_(settings.count, -1) {}

  int run() {
    // Signals wait until `next_signal` takes them, so that none is missed.
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&signals_, number);
    sigprocmask(SIG_BLOCK, &signals_, &before_);
    start_all();
    while (running() > 0) {
      const int number = next_signal();
      if (number == SIGINT || number == SIGTERM) signal_all(number);
      reap();
      press();
    }
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    return code_;
  }

 private:
  std::int64_t running() const {
    return std::count_if(children_.begin(), children_.end(), [](pid_t pid) { return pid > 0; });
  }

  void start_all() {
    const std::string port = std::to_string(free_port());
    for (int rank = 0; rank < settings_.count; ++rank) {
      const std::string own = std::to_string(rank), count = std::to_string(settings_.count);
      start(rank, {{"RANK", own},
                   {"LOCAL_RANK", own},
                   {"WORLD_SIZE", count},
                   {"LOCAL_WORLD_SIZE", count},
                   {"MASTER_ADDR", "127.0.0.1"},
                   {"MASTER_PORT", port},
                   {"COTERIE_PEER_TIMEOUT", fmt::format("{}", settings_.timeout)}});
    }
  }

  void start(int rank, const std::vector<std::pair<const char*, std::string>>& variables) {
    const pid_t launcher = getpid();
    const pid_t child = fork();
    if (child < 0) {
      const std::string cause = std::strerror(errno);
      signal_all(SIGKILL);
      throw UserError("cannot start process {} of {}: {}", rank, settings_.count, cause);
    }
    children_[rank] = child;
    if (child > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != launcher) _exit(kCannotStart);  // It died before it could be watched.
    // A terminal sends Ctrl-C to a whole group: the children are to get it once, from here.
    setpgid(0, 0);
    for (const auto& [name, value] : variables) setenv(name, value.c_str(), 1);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    std::vector<char*> arguments;
    for (const auto& word : settings_.command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(kCannotStart);
  }

  /// The next signal, or 0 when it is time to press.
  int next_signal() const {
    if (pressure_ == 0 || pressure_ == 3) return sigwaitinfo(&signals_, nullptr);
    const auto left = std::max(Clock::duration::zero(), deadline_ - Clock::now());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timespec time{};
    time.tv_sec = seconds.count();
    time.tv_nsec = std::chrono::nanoseconds(left - seconds).count();
    return std::max(0, sigtimedwait(&signals_, nullptr, &time));
  }

  void signal_all(int number) {
    for (const pid_t child : children_)
      if (child > 0) kill(child, number);
  }

  /// Takes note of those that ended.
  void reap() {
    int status = 0;
    for (int rank = 0; rank < settings_.count; ++rank) {
      if (children_[rank] <= 0 || waitpid(children_[rank], &status, WNOHANG) <= 0) continue;
      children_[rank] = 0;
      const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      if (code == 0) continue;
      settings_.say(fmt::format("process {} of {} {}", rank, settings_.count, end_of(status)));
      const bool pressed = pressure_ > 1;
      if (code_ == 0 || (code_ == kExitInterrupted && !pressed)) code_ = code;
    }
  }

  /// Where one has failed, has the others end: first by themselves, then asked, then at once.
  void press() {
    if (code_ == 0 || running() == 0) return;
    if (pressure_ == 0) {
      press_until(settings_.timeout + settings_.grace);
    } else if (pressure_ < 3 && Clock::now() >= deadline_) {
      signal_all(pressure_ == 1 ? SIGTERM : SIGKILL);
      press_until(settings_.grace);
    }
  }

  void press_until(double seconds) {
    ++pressure_;
    deadline_ = Clock::now() +
                std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  const Launch& settings_;
  std::vector<pid_t> children_;  // by rank; 0: ended
  sigset_t signals_;
  sigset_t before_;
  int code_ = 0;
  int pressure_ = 0;  // 1: they have time, 2: they were asked, 3: they were killed
  Clock::time_point deadline_;
};

}  // namespace

int launch(const Launch& settings) { return Launcher(settings).run(); }

}  // namespace coterie
