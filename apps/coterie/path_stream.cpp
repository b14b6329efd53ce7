#include "path_stream.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "coterie/core/error.h"

namespace coterie {

std::vector<std::string> PathStream::next(std::size_t most, const CancelToken& cancel) {
  std::vector<std::string> paths;
  std::string path;
  while (paths.size() < most) {
    if (take(path))
      paths.push_back(path);
    else if (!fill(paths.empty(), cancel))
      break;
  }
  return paths;
}

/// Takes the next path out of what was read.
bool PathStream::take(std::string& path) {
  while (at_ < bytes_.size()) {
    std::size_t end = bytes_.find(separator_, at_);
    if (end == std::string::npos) {
      if (!ended_) return false;
      end = bytes_.size();
    }
    path = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    if (separator_ == '\n' && path.ends_with('\r')) path.pop_back();
    if (!path.empty()) return true;
  }
  return false;
}

/// Reads what is there; with `wait` until there is something. False at the end and, without `wait`,
/// where nothing is there.
bool PathStream::fill(bool wait, const CancelToken& cancel) {
  constexpr int kLook = 200;  // milliseconds between looks at the cancel flag
  if (ended_) return false;
  pollfd ready{descriptor_, POLLIN, 0};
  for (;;) {
    cancel.check();
    const int count = ::poll(&ready, 1, wait ? kLook : 0);
    if (count > 0) break;
    if (count < 0 && errno != EINTR)
      throw UserError("cannot read the paths from stdin: {}", std::strerror(errno));
    if (!wait) return false;
  }
  std::array<char, 1 << 16> piece;
  const ssize_t got = ::read(descriptor_, piece.data(), piece.size());
  if (got < 0 && errno != EINTR && errno != EAGAIN)
    throw UserError("cannot read the paths from stdin: {}", std::strerror(errno));
  if (got == 0) {
    ended_ = true;
    return true;  // What has no separator after it is a path now.
  }
  bytes_.erase(0, std::min(at_, bytes_.size()));
  at_ = 0;
  if (got > 0) bytes_.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

}  // namespace coterie
