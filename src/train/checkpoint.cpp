#include "coterie/train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
constexpr int kVersion = 1;
constexpr const char* kTensors = "state.safetensors";
constexpr const char* kManifest = "manifest.json";
constexpr std::string_view kPrefix = "checkpoint-";

/// A checkpoint's manifest, or why the checkpoint is torn.
struct Inspection {
  nlohmann::json manifest;
  std::string fault;  // empty: none
};

Inspection torn(std::string fault) { return {{}, std::move(fault)}; }

/// Compares a checkpoint with its manifest: the size of its tensor file and, where `hashed`, the
/// content.
Inspection inspect(const fs::path& folder, bool hashed) {
  try {
    if (!path_exists(folder / kManifest)) return torn("its manifest.json is missing");
    auto manifest = nlohmann::json::parse(read_file(folder / kManifest, 1 << 24));
    if (manifest.at("version") != kVersion)
      return torn(fmt::format("its manifest.json is not of version {}", kVersion));
    const auto& entry = manifest.at("files").at(kTensors);
    const auto size = entry.at("size").get<std::uint64_t>();
    if (!path_exists(folder / kTensors)) return torn(fmt::format("its {} is missing", kTensors));
    if (fs::file_size(folder / kTensors) != size)
      return torn(fmt::format("its {} has {} bytes instead of {}", kTensors,
                              fs::file_size(folder / kTensors), size));
    if (hashed && sha256_file(folder / kTensors) != entry.at("sha256").get<std::string>())
      return torn(fmt::format("its {} has another sha256 than it was written with", kTensors));
    if (!manifest.contains("state")) return torn("its manifest.json holds no state");
    return {std::move(manifest), ""};
  } catch (const nlohmann::json::exception&) {
    return torn("its manifest.json is damaged");
  } catch (const std::runtime_error& error) {  // It cannot be read, or changes meanwhile.
    return torn(error.what());
  }
}

/// One that cannot be removed does no harm: without its manifest it is torn.
void remove_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  fs::remove(folder / kManifest, ignored);
  fs::remove_all(folder, ignored);
}

void write_checkpoint(const fs::path& folder, const Checkpoint& checkpoint, bool stage_end) {
  create_folder(folder);
  write_safetensors(folder / kTensors, checkpoint.tensors);
  const nlohmann::json manifest = {{"version", kVersion},
                                   {"stage_end", stage_end},
                                   {"state", checkpoint.state},
                                   {"files",
                                    {{kTensors,
                                      {{"size", fs::file_size(folder / kTensors)},
                                       {"sha256", sha256_file(folder / kTensors)}}}}}};
  write_file(folder / kManifest, manifest.dump(1));
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

void CheckpointStore::write(const Checkpoint& checkpoint, bool stage_end) {
  if (!enabled()) return;
  const auto before = numbers();
  const fs::path folder = folder_of(before.empty() ? 1 : before.back() + 1);
  try {
    write_checkpoint(folder, checkpoint, stage_end);
  } catch (...) {
    remove_checkpoint(folder);
    throw;
  }
  flush_folder(folder_);
  remove_old();
}

void CheckpointStore::remove_old() const {
  int whole = 0;
  const auto all = numbers();
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    const auto [manifest, fault] = inspect(folder_of(*it), /*hashed=*/false);
    const bool kept = fault.empty() && (whole < keep_ || manifest.value("stage_end", false));
    whole += fault.empty();
    if (!kept) remove_checkpoint(folder_of(*it));
  }
}

std::optional<Checkpoint> CheckpointStore::newest(
    const std::function<void(const std::string&)>& said) const {
  if (!enabled()) return std::nullopt;
  const auto all = numbers();
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    const fs::path folder = folder_of(*it);
    auto [manifest, fault] = inspect(folder, /*hashed=*/true);
    if (fault.empty())
      return Checkpoint{std::move(manifest.at("state")),
                        read_safetensors(folder / kTensors).tensors};
    said(fmt::format("the checkpoint {} is passed over: {}", printable(folder.native()), fault));
  }
  return std::nullopt;
}

}  // namespace coterie
