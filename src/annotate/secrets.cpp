#include "coterie/annotate/secrets.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "coterie/core/error.h"

namespace coterie {

std::string new_secret() {
  std::array<std::uint8_t, 32> bytes{};
  // So few bytes come at once, unless a signal arrives before the source is ready.
  ssize_t got = 0;
  do got = ::getrandom(bytes.data(), bytes.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(bytes.size()))
    throw UserError("the system gives no random bytes: {}", std::strerror(errno));
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

bool same_secret(std::string_view given, std::string_view secret) {
  if (secret.empty()) return false;
  unsigned different = given.size() != secret.size();
  for (std::size_t i = 0; i < given.size(); ++i)
    different |=
        static_cast<std::uint8_t>(given[i]) ^ static_cast<std::uint8_t>(secret[i % secret.size()]);
  return different == 0;
}

}  // namespace coterie
