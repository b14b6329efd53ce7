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

/// Bytes of files that a control group keeps in memory and would let go of.
std::uint64_t cached_files(const std::string& folder) {
  std::ifstream file(folder + "/memory.stat");
  std::string key;
  std::uint64_t value = 0, sum = 0;
  while (file >> key >> value)
    if (key == "inactive_file" || key == "active_file") sum += value;
  return sum;
}

/// What is left of the control group's limit, where it has one; version 2 or 1.
std::optional<std::uint64_t> group_memory() {
  struct Version {
    std::string folder;
    const char* limit;
    const char* used;
  };
  const Version versions[] = {
      {"/sys/fs/cgroup", "/memory.max", "/memory.current"},
      {"/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes"}};
  for (const auto& [folder, limit_file, used_file] : versions) {
    const auto limit = number_in(folder + limit_file), used = number_in(folder + used_file);
    if (!limit || !used) continue;
    const std::uint64_t held = *used - std::min(*used, cached_files(folder));
    return *limit - std::min(*limit, held);
  }
  return std::nullopt;
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
