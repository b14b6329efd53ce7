#include "coterie/core/memory.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "coterie/core/error.h"

namespace coterie {
namespace {

/// The number in a file that holds one; nothing for "max" or where there is no such file.
std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

std::optional<std::uint64_t> system_memory() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  std::uint64_t kilobytes = 0;
  while (file >> key >> kilobytes) {
    std::getline(file, unit);
    if (key == "MemAvailable:") return kilobytes * 1024;
  }
  return std::nullopt;
}

/// What is left of the control group's limit, where it has one.
std::optional<std::uint64_t> group_memory() {
  const auto limit = number_in("/sys/fs/cgroup/memory.max");
  const auto used = number_in("/sys/fs/cgroup/memory.current");
  if (!limit || !used) return std::nullopt;
  return *limit > *used ? *limit - *used : 0;
}

std::string size_text(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.0f} MB", bytes / 1e6)
                     : fmt::format("{:.1f} GB", bytes / 1e9);
}

}  // namespace

std::optional<std::uint64_t> available_memory() {
  const auto system = system_memory(), group = group_memory();
  if (system && group) return std::min(*system, *group);
  return system ? system : group;
}

void require_memory(double bytes, std::string_view what, std::string_view remedy) {
  const auto available = available_memory();
  if (available && bytes > static_cast<double>(*available))
    throw UserError("{} would take {} of memory, {} are free; {}", what, size_text(bytes),
                    size_text(static_cast<double>(*available)), remedy);
}

}  // namespace coterie
