#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace coterie {

/// The figures of a training as an event file that TensorBoard draws while the run goes on:
/// TFRecords, each a protobuf Event of TensorFlow (core/util/event.proto).
///
/// A line of history.jsonl of a stage and an epoch gives, at that epoch, a scalar for each loss and
/// each number but the seconds (STAGE/info_nce, STAGE/images_per_second), and
/// STAGE/largest_cluster, the share of the largest of its "cluster_sizes". The numbers of a line
/// without an epoch, as of a restart, stand at its own number, counted from 1.
///
/// An event carries the time of day. This is the one place that asks for it: no result depends on
/// these files.
class TensorBoardWriter {
 public:
  /// Begins a new file in `folder`, which is created where it is absent; files of earlier starts
  /// stay, and TensorBoard joins them. Throws UserError where it cannot be written.
  explicit TensorBoardWriter(const std::filesystem::path& folder);
  /// Adds a line's scalars; a reader sees them when this returns. Throws UserError where they
  /// cannot be written.
  void add(const nlohmann::json& history_line);

 private:
  void write_record(std::string_view event);
  std::filesystem::path path_;
  std::ofstream file_;
  std::int64_t lines_ = 0;
};

/// CRC-32C, the Castagnoli polynomial (RFC 3720, appendix B.4).
std::uint32_t crc32c(std::string_view bytes);

}  // namespace coterie
