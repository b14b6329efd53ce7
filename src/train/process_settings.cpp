#include <cstdlib>
#include <optional>

#include "coterie/core/params.h"
#include "coterie/train/processes.h"

namespace coterie {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (!value || !*value) return std::nullopt;
  return value;
}

std::string required(const char* name, const char* remedy) {
  if (const auto value = variable(name)) return *value;
  throw UserError("WORLD_SIZE = {} asks for several processes, but {} is not set; {}",
                  printable(*variable("WORLD_SIZE")), name, remedy);
}

int number(const char* name, const std::string& text, int low, int high, const char* remedy) {
  const auto value = parse_integer(name, text);
  if (value < low || value > high)
    throw UserError("{} = {} is out of range: allowed is {} to {}; {}", name, value, low, high,
                    remedy);
  return static_cast<int>(value);
}

}  // namespace

ProcessSettings process_settings_from_environment() {
  constexpr int kMostProcesses = 65536;
  constexpr const char* kEachItsOwn = "give each process its own, from 0";
  constexpr const char* kPort = "set it to a free port of the machine of process 0, e.g. 29500";
  ProcessSettings settings;
  if (const auto size = variable("WORLD_SIZE"))
    settings.size = number("WORLD_SIZE", *size, 1, kMostProcesses, "set it to their number");
  if (const auto timeout = variable("COTERIE_PEER_TIMEOUT")) {
    settings.timeout = parse_real("COTERIE_PEER_TIMEOUT", *timeout);
    if (settings.timeout < 1 || settings.timeout > 1e6)
      throw UserError("COTERIE_PEER_TIMEOUT = {} is out of range: allowed is 1 to 1e6 seconds",
                      *timeout);
  }
  if (settings.size == 1) return settings;

  const int last = settings.size - 1;
  settings.rank = number("RANK", required("RANK", kEachItsOwn), 0, last, kEachItsOwn);
  if (const auto local = variable("LOCAL_RANK"))
    settings.local_rank = number("LOCAL_RANK", *local, 0, last, kEachItsOwn);
  settings.address =
      required("MASTER_ADDR", "set it to the name of the machine of process 0, e.g. 127.0.0.1");
  settings.port = number("MASTER_PORT", required("MASTER_PORT", kPort), 1, 65535, kPort);
  settings.agent_store = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  settings.attempt = variable("TORCHELASTIC_RESTART_COUNT").value_or("0");
  return settings;
}

}  // namespace coterie
