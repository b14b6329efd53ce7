#pragma once

#include "coterie/core/matrix.h"
#include "coterie/run/cluster.h"

namespace coterie {

/// The rows [N, D] that the clusters of a run were made of: its embeddings where it has some,
/// otherwise its features, or its pixels in 0..1.
class RunRows {
 public:
  /// The run must outlive it. Throws UserError where its files do not fit together.
  explicit RunRows(const LoadedRun& run);
  RunRows(const RunRows&) = delete;
  RunRows& operator=(const RunRows&) = delete;

  ConstFeatures values() const { return values_; }
  bool are_embeddings() const { return embeddings_; }

 private:
  Matrix<float> storage_;
  ConstFeatures values_;
  bool embeddings_ = false;
};

}  // namespace coterie
