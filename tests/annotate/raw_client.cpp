#include "annotate/raw_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace coterie::testing {

std::string exchange(int port, const std::string& bytes) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(socket);
    throw std::runtime_error("cannot connect");
  }
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) break;  // It does not want more.
    sent += static_cast<std::size_t>(count);
  }
  std::string answer;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(socket);
  return answer;
}

std::vector<Reply> replies_in(const std::string& bytes) {
  std::vector<Reply> replies;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t head_end = bytes.find("\r\n\r\n", at);
    if (!bytes.substr(at).starts_with("HTTP/1.1 ") || head_end == std::string::npos)
      throw std::runtime_error("no answer: " + bytes.substr(at, 200));
    Reply reply{.status = std::stoi(bytes.substr(at + 9, 3))};
    for (std::size_t line = bytes.find("\r\n", at) + 2; line < head_end;) {
      const std::size_t end = bytes.find("\r\n", line);
      const std::string text = bytes.substr(line, end - line);
      std::string name = text.substr(0, text.find(':'));
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (!reply.headers.emplace(name, text.substr(text.find(':') + 2)).second)
        throw std::runtime_error("twice in one answer: " + text);
      line = end + 2;
    }
    const std::size_t length = std::stoul(reply.headers.at("content-length"));
    reply.body = bytes.substr(head_end + 4, length);
    at = head_end + 4 + length;
    replies.push_back(std::move(reply));
  }
  return replies;
}

std::string request_text(const std::string& method, const std::string& target,
                         const HeaderList& headers, const std::string& body) {
  std::string text = method + " " + target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  return text + "\r\n" + body;
}

}  // namespace coterie::testing
