#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coterie/data/dataset.h"
#include "coterie/methods/method.h"

namespace coterie {

/// What a method made of the sample at one time of its training.
struct Snapshot {
  std::string name;  ///< STAGE-EPOCH, as its files begin
  std::string stage;
  std::int64_t epoch = 0;  ///< counted from 1
};

/// The snapshots in RUN/snapshots in the order of their training: stages by the time of their first
/// file, where that is equal by name; of a stage by epoch.
std::vector<Snapshot> snapshots_of(const std::filesystem::path& folder);

/// The row of the data set, of `count` rows, that each image of the sample is.
std::vector<std::int64_t> sampled_rows(const std::filesystem::path& folder, std::int64_t count);

/// Scores against ground truth [N] of those snapshots that have probabilities: stage, epoch, acc,
/// nmi, ari and purity of the sample, each image in its most probable cluster.
nlohmann::json snapshot_scores(const std::filesystem::path& folder,
                               const std::vector<std::int32_t>& truth, const CancelToken& cancel);

/// RUN/snapshots: what a method makes of a sample in the middle of its training. The sample is the
/// same in all runs on a data set: 10,000 images drawn at random, all where there are fewer.
///
///     rows.csv                           row and path of each image of the sample
///     STAGE-EPOCH.npy                    embeddings, float32 [n, E]
///     STAGE-EPOCH-probabilities.npy      float32 [n, K], where there are clusters by then
class SnapshotWriter {
 public:
  static constexpr std::int64_t kImages = 10'000;

  SnapshotWriter(std::filesystem::path folder, const Dataset& dataset);

  /// Copies the sample's pixels at the first call. They live as long as this object.
  TrainingData sample();
  void write(const std::string& stage, std::int64_t epoch, const Clustering& seen);
  /// Those of `epochs` of which the folder has no snapshot of any stage.
  std::vector<std::int64_t> missing(std::vector<std::int64_t> epochs) const;

 private:
  std::filesystem::path folder_;
  const Dataset& dataset_;
  std::vector<std::int64_t> rows_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace coterie
