#include "coterie/train/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/sha256.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
constexpr int kVersion = 1;
constexpr const char* kTensors = "state.safetensors";
constexpr const char* kManifest = "manifest.json";
constexpr std::string_view kPrefix = "checkpoint-";

/// The manifest's content where it agrees with the size of the tensor file; `hashed`: with the
/// content too.
std::optional<nlohmann::json> sound_manifest(const fs::path& folder, bool hashed) {
  try {
    const auto manifest =
        nlohmann::json::parse(read_file(folder / kManifest, 1 << 24), nullptr, false);
    if (!manifest.is_object() || manifest.value("version", 0) != kVersion) return std::nullopt;
    const auto& entry = manifest.at("files").at(kTensors);
    if (fs::file_size(folder / kTensors) != entry.at("size").get<std::uint64_t>())
      return std::nullopt;
    if (hashed && sha256_file(folder / kTensors) != entry.at("sha256").get<std::string>())
      return std::nullopt;
    return manifest.at("state");
  } catch (const UserError&) {
  } catch (const fs::filesystem_error&) {
  } catch (const nlohmann::json::exception&) {
  }
  return std::nullopt;
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, int keep)
    : folder_(std::move(folder)), keep_(keep) {}

fs::path CheckpointStore::folder_of(std::int64_t number) const {
  return folder_ / fmt::format("{}{:08}", kPrefix, number);
}

std::vector<std::int64_t> CheckpointStore::numbers() const {
  std::vector<std::int64_t> found;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder_, absent)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    std::int64_t number = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) found.push_back(number);
  }
  std::sort(found.begin(), found.end());
  return found;
}

void CheckpointStore::write(const Checkpoint& checkpoint) {
  if (!enabled()) return;
  const auto before = numbers();
  const std::int64_t number = before.empty() ? 1 : before.back() + 1;
  const fs::path folder = folder_of(number);
  create_folder(folder);
  write_safetensors(folder / kTensors, checkpoint.tensors);
  const nlohmann::json manifest = {{"version", kVersion},
                                   {"state", checkpoint.state},
                                   {"files",
                                    {{kTensors,
                                      {{"size", fs::file_size(folder / kTensors)},
                                       {"sha256", sha256_file(folder / kTensors)}}}}}};
  write_file(folder / kManifest, manifest.dump(1));
  flush_folder(folder_);

  int whole = 0;
  const auto all = numbers();
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (whole < keep_ && sound_manifest(folder_of(*it), false)) {
      ++whole;
      continue;
    }
    std::error_code ignored;  // One that cannot be removed does no harm.
    fs::remove(folder_of(*it) / kManifest, ignored);
    fs::remove_all(folder_of(*it), ignored);
  }
}

std::optional<Checkpoint> CheckpointStore::newest() const {
  if (!enabled()) return std::nullopt;
  const auto all = numbers();
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    auto state = sound_manifest(folder_of(*it), true);
    if (!state) continue;
    return Checkpoint{std::move(*state), read_safetensors(folder_of(*it) / kTensors).tensors};
  }
  return std::nullopt;
}

}  // namespace coterie
