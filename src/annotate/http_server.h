#pragma once

#include <httplib.h>

#include <atomic>
#include <cstdint>

namespace coterie {

/// What a client can make this process hold.
struct HttpLimits {
  static constexpr std::int64_t kHeaderBytes = 32 << 10;  ///< request line and headers in all
  static constexpr std::int64_t kBodyBytes = 8 << 20;     ///< the numbers of a million images
  static constexpr std::int64_t kTargetBytes = 2048;
  static constexpr std::int64_t kThreads = 24;
  static constexpr std::int64_t kConnections = 64;     ///< open or waiting for a thread
  static constexpr int kRequestsPerConnection = 1000;  ///< then it is closed
  static constexpr int kIdleSeconds = 5;               ///< until an idle connection is closed
  static constexpr int kRequestSeconds = 20;           ///< for a request to come in whole
  static constexpr int kAnswerSeconds = 20;            ///< for an answer to be taken
};

/// httplib's server with the limits it lacks: sizes of all headers together, times for whole
/// requests (not for single bytes), connections that wait. A request with a body ends its
/// connection, so that a body that nobody read is never taken for the next request.
class HttpServer : public httplib::Server {
 public:
  HttpServer();
  /// Ends connections at their next request. To be followed by `stop`.
  void finish() { finishing_ = true; }

 private:
  bool process_and_close_socket(socket_t socket) override;

  std::atomic<bool> finishing_{false};
};

}  // namespace coterie
