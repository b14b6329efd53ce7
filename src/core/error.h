#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace coterie {

/// What the user gave cannot be used. The message names the option or file, its value, what is
/// allowed and what to do. Programs exit with code 2.
class UserError : public std::runtime_error {
 public:
  explicit UserError(const std::string& message) : std::runtime_error(message) {}

  template <class... Args>
  requires(sizeof...(Args) > 0) explicit UserError(fmt::format_string<Args...> format,
                                                   Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

/// The work was stopped on request (a signal, or CancelToken::cancel). Programs exit with code 130.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}

 protected:
  explicit Interrupted(const std::string& message) : std::runtime_error(message) {}
};

/// Another process of this training ended, or did not answer in time. The training stops as if on
/// request, to be resumed from its last checkpoint; the message is for the user.
class PeerLost : public Interrupted {
 public:
  explicit PeerLost(const std::string& message) : Interrupted(message) {}
};

}  // namespace coterie
