#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/data/png.h"
#include "coterie/run/cluster.h"

namespace coterie {

/// An image and those nearest to it by their embeddings, nearest first.
struct NearestImages {
  std::int64_t image = 0;
  std::vector<std::int64_t> same;   ///< of its own cluster
  std::vector<std::int64_t> other;  ///< of other clusters
};

/// For each of the first `clusters` clusters that is not empty an image drawn at random, with up to
/// `count` of each kind; `labels` may name further clusters. Distances are Euclidean, between rows
/// of `embeddings` [N, E]; O(K N E) time for K clusters, on all threads. Throws Interrupted when
/// cancelled.
std::vector<NearestImages> nearest_images(MatrixView<const float> embeddings,
                                          std::span<const std::int32_t> labels,
                                          std::int64_t clusters, std::int64_t count,
                                          std::uint64_t seed, const CancelToken& cancel = {});

/// A picture of that, a row for each cluster: the image, `count` nearest of its cluster, and, after
/// a gap, `count` nearest of others (Yu et al. 2021, figure 4). With ground truth those of another
/// class than the first have red frames. Throws UserError where the run has no images or no
/// embeddings.
PngImage nearest_picture(const LoadedRun& run, std::int64_t count, std::uint64_t seed,
                         const CancelToken& cancel);

}  // namespace coterie
