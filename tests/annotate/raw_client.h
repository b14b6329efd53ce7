#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace coterie::testing {

/// What a server answered.
struct Reply {
  int status = 0;                              ///< 0: it closed the connection without an answer
  std::map<std::string, std::string> headers;  ///< by lower-case name
  std::string body;
  nlohmann::json json() const { return nlohmann::json::parse(body); }
};

/// Sends bytes to 127.0.0.1 as they are and takes in all that comes until the server closes.
std::string exchange(int port, const std::string& bytes);

/// The answers in `bytes`, one after the other.
std::vector<Reply> replies_in(const std::string& bytes);

using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// A request as text. No header is added to those given.
std::string request_text(const std::string& method, const std::string& target,
                         const HeaderList& headers, const std::string& body);

}  // namespace coterie::testing
