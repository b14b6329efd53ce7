#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "coterie/core/safetensors.h"

namespace coterie {

/// The whole state of a training at one moment.
struct Checkpoint {
  nlohmann::json state;
  TensorMap tensors;
};

/// Checkpoints under one folder, each a folder of its own: checkpoint-00000007/ with
/// state.safetensors and, written last, manifest.json (version, state, size and sha256 of the
/// file). One whose manifest is missing or does not agree with its files is torn and is never read.
class CheckpointStore {
 public:
  /// An empty `folder` makes a store that keeps nothing.
  explicit CheckpointStore(std::filesystem::path folder, int keep = 2);

  bool enabled() const { return !folder_.empty(); }
  /// Writes the next checkpoint and removes all but the last `keep` whole ones.
  void write(const Checkpoint& checkpoint);
  /// The newest sound checkpoint, if there is one.
  std::optional<Checkpoint> newest() const;

 private:
  /// Numbers of the checkpoint folders, whole or torn, ascending.
  std::vector<std::int64_t> numbers() const;
  std::filesystem::path folder_of(std::int64_t number) const;
  std::filesystem::path folder_;
  int keep_;
};

}  // namespace coterie
