#include "coterie/data/pack_cache.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/data/pack.h"
#include "coterie/data/source.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

/// Changes when decoding does, so that packs of older programs are not taken.
constexpr const char* kDecoding = "coterie decoding 1";

/// A file name that a person recognises in the cache.
std::string pack_name(const PackKey& key) {
  const std::string name = key.source.filename();
  std::string stem;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    if (stem.size() < 32) stem += plain ? c : '_';
  }
  const std::string hash =
      sha256_hex(fmt::format("{}\n{}\n{}", kDecoding, key.form, key.source.native()));
  return stem + '-' + hash.substr(0, 16) + ".pack";
}

std::optional<Dataset> open_if_usable(const fs::path& pack) {
  try {
    return open_pack(pack);
  } catch (const UserError&) {
    return std::nullopt;
  }
}

void prepare_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) == 0) {
    remove_abandoned_files(folder);
    return;
  }
  throw UserError(
      "the folder for decoded images, {}, cannot be written to: {}; set COTERIE_CACHE to "
      "a folder that you may write to",
      shown(folder), error ? error.message() : std::strerror(errno));
}

}  // namespace

Dataset cached_pack(const fs::path& folder, const PackKey& key,
                    const std::function<void(const fs::path&)>& build) {
  const fs::path pack = absolute_path(folder) / pack_name(key);
  if (pack_source_fingerprint(pack) == key.fingerprint)
    if (auto dataset = open_if_usable(pack)) return std::move(*dataset);
  prepare_folder(pack.parent_path());
  build(pack);
  return open_pack(pack);
}

}  // namespace coterie
