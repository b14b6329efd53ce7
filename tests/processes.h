#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "testing.h"

namespace coterie::testing {

/// A port that was free a moment ago.
inline int free_port() {
  const int handle = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const bool bound = bind(handle, any, length) == 0 && getsockname(handle, any, &length) == 0;
  close(handle);
  if (!bound) throw std::runtime_error("no port is free");
  return ntohs(address.sin_port);
}

struct Ended {
  int code = -1;  ///< exit code, or 1000 + the signal that ended it
  std::string err;
  double seconds = 0;  ///< from the start of all to the end of this and those before it
};

/// Scenarios of tests/process_worker, run in several processes that find each other.
class Workers {
 public:
  explicit Workers(int size, double timeout = 5) : size_(size) {
    const char* kept[] = {"PATH",         "LD_LIBRARY_PATH", "OMP_WAIT_POLICY", "ASAN_OPTIONS",
                          "LSAN_OPTIONS", "TSAN_OPTIONS",    "UBSAN_OPTIONS"};
    for (const char* name : kept)
      if (const char* value = getenv(name)) environment_.push_back(std::string(name) + "=" + value);
    for (const auto& setting :
         {"WORLD_SIZE=" + std::to_string(size), "MASTER_PORT=" + std::to_string(free_port()),
          "COTERIE_PEER_TIMEOUT=" + std::to_string(timeout), std::string("MASTER_ADDR=127.0.0.1"),
          std::string("OMP_NUM_THREADS=1")})
      environment_.push_back(setting);
  }

  void start(const std::string& scenario, int rank) {
    auto settings = environment_;
    settings.push_back("RANK=" + std::to_string(rank));
    std::vector<char*> variables;
    for (auto& setting : settings) variables.push_back(setting.data());
    variables.push_back(nullptr);
    const std::string output = output_of(static_cast<int>(children_.size()));
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 2, output.c_str(), O_CREAT | O_WRONLY, 0600);
    std::string program = COTERIE_PROCESS_WORKER, word = scenario;
    char* arguments[] = {program.data(), word.data(), nullptr};
    pid_t child = -1;
    const int failed =
        posix_spawn(&child, program.c_str(), &files, nullptr, arguments, variables.data());
    posix_spawn_file_actions_destroy(&files);
    if (failed) throw std::runtime_error("cannot start " + program);
    children_.push_back(child);
  }

  /// How they ended, in the order of their start.
  std::vector<Ended> wait() {
    std::vector<Ended> all;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      int status = 0;
      waitpid(children_[i], &status, 0);
      std::ostringstream err;
      err << std::ifstream(output_of(static_cast<int>(i))).rdbuf();
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started_;
      all.push_back({WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), err.str(),
                     seconds.count()});
    }
    children_.clear();
    return all;
  }

  std::vector<Ended> run(const std::string& scenario) {
    for (int rank = 0; rank < size_; ++rank) start(scenario, rank);
    return wait();
  }

  pid_t child(int index) const { return children_[index]; }

 private:
  std::string output_of(int index) const {
    return (folder_ / ("stderr-" + std::to_string(index))).string();
  }

  TemporaryFolder folder_;
  int size_;
  std::vector<std::string> environment_;
  std::vector<pid_t> children_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

/// Runs a scenario in `size` processes and expects all its checks to hold.
inline void expect_scenario(const std::string& scenario, int size) {
  int rank = 0;
  for (const Ended& ended : Workers(size, 20).run(scenario)) {
    EXPECT_EQ(ended.code, 0) << scenario << ", process " << rank << " of " << size << ": "
                             << ended.err;
    ++rank;
  }
}

}  // namespace coterie::testing
