#include "coterie/core/memory.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

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

/// The control group of this process in the hierarchy that has memory, "/..."; version 2 has one
/// for all, which /proc/self/cgroup shows with no `controller`.
std::string group_path(std::string_view controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
    if (controllers.find(fmt::format(",{},", controller)) != std::string::npos)
      return line.substr(second + 1);
  }
  return "/";
}

/// The least that is left of the limits of this process's control group and of those around it,
/// where one has a limit; version 2 or 1.
std::optional<std::uint64_t> group_memory() {
  struct Version {
    std::string mount;
    const char* controller;
    const char* limit;
    const char* used;
  };
  const Version versions[] = {
      {"/sys/fs/cgroup", "", "/memory.max", "/memory.current"},
      {"/sys/fs/cgroup/memory", "memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes"}};
  std::optional<std::uint64_t> least;
  for (const auto& [mount, controller, limit_file, used_file] : versions) {
    std::string path = group_path(controller);
    while (true) {
      while (path.ends_with('/')) path.pop_back();
      const std::string folder = mount + path;
      const auto limit = number_in(folder + limit_file), used = number_in(folder + used_file);
      if (limit && used) {
        const std::uint64_t held = *used - std::min(*used, cached_files(folder));
        const std::uint64_t left = *limit - std::min(*limit, held);
        least = std::min(left, least.value_or(left));
      }
      if (path.empty()) break;
      path.resize(path.rfind('/') + 1);
    }
  }
  return least;
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
