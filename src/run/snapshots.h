#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "coterie/data/dataset.h"
#include "coterie/methods/method.h"

namespace coterie {

/// Names of the snapshots in a run's folder of them, STAGE-EPOCH, in the order of letters.
std::vector<std::string> snapshot_names(const std::filesystem::path& folder);

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
