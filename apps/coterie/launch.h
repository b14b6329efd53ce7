#pragma once

#include <functional>
#include <string>
#include <vector>

namespace coterie {

/// Copies of a program on this machine that train together.
struct Launch {
  std::vector<std::string> command;  ///< path of the program, then its arguments
  int count = 1;
  double timeout = 300;  ///< seconds that one of them may wait for another
  /// Seconds for the others to end by themselves, beyond `timeout`, when one has failed; and again
  /// between asking them to end (SIGTERM) and ending them (SIGKILL).
  double grace = 5;
  std::function<void(const std::string&)> say;  ///< told how each that failed ended
};

/// Starts them and returns when all have ended: 0 where each gave 0, otherwise the exit code of the
/// first that failed (128 + the signal that ended it). One that ended with 130 while another failed
/// in another way was its victim, and does not count. They get RANK, LOCAL_RANK, WORLD_SIZE,
/// LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT and COTERIE_PEER_TIMEOUT; SIGINT and SIGTERM are
/// passed on to them; they die when the calling thread does. Throws UserError where they cannot be
/// started.
int launch(const Launch& settings);

}  // namespace coterie
