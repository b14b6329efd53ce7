#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coterie/core/safetensors.h"

namespace coterie {

/// The whole state of a training at one moment.
struct Checkpoint {
  nlohmann::json state;
  TensorMap tensors;
};

/// Checkpoints under one folder, each a folder of its own: checkpoint-00000007/ with
/// state.safetensors and, written last, manifest.json (version, whether a stage ends here, state,
/// size and sha256 of the file). One whose manifest is missing or does not agree with its files is
/// torn and is never read.
class CheckpointStore {
 public:
  /// An empty `folder` makes a store that keeps nothing.
  explicit CheckpointStore(std::filesystem::path folder, int keep = 2);

  bool enabled() const { return !folder_.empty(); }
  /// Writes the next checkpoint and removes all but the last `keep` whole ones and those at the end
  /// of a stage. Throws UserError where it cannot be written (disk full): nothing of it is left
  /// then, and those before it stay.
  void write(const Checkpoint& checkpoint, bool stage_end = false);
  /// The newest sound checkpoint, if there is one. `said` gets a sentence for each torn one that is
  /// passed over: its folder and what is wrong with it.
  std::optional<Checkpoint> newest(const std::function<void(const std::string&)>& said =
                                       [](const std::string&) {}) const;

 private:
  /// Numbers of the checkpoint folders, whole or torn, ascending.
  std::vector<std::int64_t> numbers() const;
  std::filesystem::path folder_of(std::int64_t number) const;
  void remove_old() const;
  std::filesystem::path folder_;
  int keep_;
};

}  // namespace coterie
