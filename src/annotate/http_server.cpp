#include "coterie/annotate/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace coterie {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kLookAround{200};  // how often a waiting connection looks whether it is over

/// Threads for connections. `enqueue` waits while too many are open, so that more stay with the
/// system, which refuses them.
class BoundedPool : public httplib::TaskQueue {
 public:
  BoundedPool() : pool_(HttpLimits::kThreads) {}

  void enqueue(std::function<void()> work) override {
    {
      std::unique_lock lock(mutex_);
      left_.wait(lock, [&] { return open_ < HttpLimits::kConnections; });
      ++open_;
    }
    pool_.enqueue([this, work = std::move(work)] {
      work();
      const std::lock_guard lock(mutex_);
      --open_;
      left_.notify_one();
    });
  }
  void shutdown() override { pool_.shutdown(); }

 private:
  httplib::ThreadPool pool_;
  std::mutex mutex_;
  std::condition_variable left_;
  std::int64_t open_ = 0;
};

/// A socket that gives a request so many bytes and so much time, and no more.
class Connection : public httplib::Stream {
 public:
  explicit Connection(socket_t socket) : socket_(socket) {
    // An answer goes out in two pieces; without this the second waits for a receipt of the first,
    // which takes 40 ms to come.
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }

  /// Whether a request begins to come in before `idle` is over and while not `over`.
  bool wait_for_request(const std::atomic<bool>& over) {
    const auto end = Clock::now() + seconds(HttpLimits::kIdleSeconds);
    while (begin_ == end_ && !wait(POLLIN, std::min(end, Clock::now() + kLookAround)))
      if (over || Clock::now() >= end) return false;
    left_ = HttpLimits::kHeaderBytes;
    deadline_ = Clock::now() + seconds(HttpLimits::kRequestSeconds);
    answering_ = false;
    return true;
  }
  /// The headers are through; what follows is a body.
  void begin_body() { left_ = HttpLimits::kBodyBytes; }

  /// Takes in for a moment what the client still sends: closing at once would cut off the answer.
  void drain() {
    ::shutdown(socket_, SHUT_WR);
    const auto end = Clock::now() + milliseconds(300);
    std::int64_t most = 4 * HttpLimits::kBodyBytes;
    while (most > 0 && wait(POLLIN, end)) {
      const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) return;
      most -= got;
    }
  }

  bool is_readable() const override { return begin_ < end_ || wait(POLLIN, deadline_); }
  bool is_writable() const override { return wait(POLLOUT, answer_deadline_); }

  ssize_t read(char* to, std::size_t size) override {
    if (left_ <= 0) return -1;
    if (begin_ == end_) {
      if (!wait(POLLIN, deadline_)) return -1;
      const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) return got;
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
    }
    const std::size_t count = std::min({size, end_ - begin_, static_cast<std::size_t>(left_)});
    std::copy_n(buffer_.data() + begin_, count, to);
    begin_ += count;
    left_ -= static_cast<std::int64_t>(count);
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* from, std::size_t size) override {
    if (!std::exchange(answering_, true))
      answer_deadline_ = Clock::now() + seconds(HttpLimits::kAnswerSeconds);
    if (!wait(POLLOUT, answer_deadline_)) return -1;
    return ::send(socket_, from, size, MSG_NOSIGNAL);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    address_by(::getpeername, ip, port);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    address_by(::getsockname, ip, port);
  }
  socket_t socket() const override { return socket_; }

 private:
  bool wait(short events, Clock::time_point end) const {
    pollfd socket{.fd = socket_, .events = events};
    for (;;) {
      const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
      const int ready = ::poll(&socket, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  template <class Lookup>
  void address_by(Lookup lookup, std::string& ip, int& port) const {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (lookup(socket_, reinterpret_cast<sockaddr*>(&address), &length) != 0) return;
    if (address.ss_family == AF_INET) {
      const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
      ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
      port = ntohs(v4.sin_port);
    } else if (address.ss_family == AF_INET6) {
      const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
      port = ntohs(v6.sin6_port);
    }
    ip = text.data();
  }

  socket_t socket_;
  std::array<char, 16 << 10> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what of the buffer was not read yet
  std::int64_t left_ = 0;            // bytes that may still be read
  Clock::time_point deadline_;
  Clock::time_point answer_deadline_;
  bool answering_ = false;
};

}  // namespace

HttpServer::HttpServer() {
  new_task_queue = [] { return new BoundedPool; };
  set_payload_max_length(HttpLimits::kBodyBytes);
  // Not SO_REUSEPORT, httplib's default: with it another program could share the port.
  set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  Connection connection(socket);
  try {
    for (int i = 1; i <= HttpLimits::kRequestsPerConnection; ++i) {
      if (!connection.wait_for_request(finishing_)) break;
      bool last = i == HttpLimits::kRequestsPerConnection;
      bool closed = false;
      const auto prepare = [&](httplib::Request& request) {
        connection.begin_body();
        last |= request.method != "GET" || request.has_header("Content-Length") ||
                request.has_header("Transfer-Encoding");
        if (last) {
          request.headers.erase("Connection");
          request.set_header("Connection", "close");
        }
        // Parts of answers and compressed ones are for far networks.
        request.ranges.clear();
        request.headers.erase("Accept-Encoding");
      };
      if (!process_request(connection, last, closed, prepare) || closed || last || finishing_)
        break;
    }
    connection.drain();
  } catch (...) {
    // Whatever a client sent, the server goes on with the others.
  }
  ::close(socket);
  return true;
}

}  // namespace coterie
