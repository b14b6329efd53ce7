#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "coterie/data/dataset.h"

namespace coterie {

/// What decides on the pack of an input: where it lies, which form it is read as and with which
/// options (these name the pack), and the state of its files (this decides whether the pack that is
/// there still holds).
struct PackKey {
  std::filesystem::path source;  ///< absolute
  std::string form;              ///< form and options
  std::string fingerprint;       ///< of names, sizes and times
};

/// Maps the pack of `key` in `folder`. Where it is absent, torn or of another state of the source,
/// `build(path)` writes it first. Several processes may do so at once: each writes a file of its
/// own and the last rename stays. Throws UserError where the folder cannot be written to.
Dataset cached_pack(const std::filesystem::path& folder, const PackKey& key,
                    const std::function<void(const std::filesystem::path&)>& build);

}  // namespace coterie
