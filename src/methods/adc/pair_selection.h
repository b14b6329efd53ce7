#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/data/constraints.h"

namespace coterie {

/// Which pairs of images a person is asked about.
enum class PairStrategy {
  active,     ///< in each cluster the surest image with the least sure ones, within a round's part
  check,      ///< the same within all images; pairs of earlier rounds are passed over
  uncertain,  ///< the pairs of a cluster that lie farthest apart, within a round's part
  random,     ///< any two images
};

/// What a selection goes by.
struct PairQuery {
  PairStrategy strategy = PairStrategy::active;
  std::int64_t budget = 0;  ///< pairs that are wanted
  std::int64_t round = 0;   ///< from 0
  std::int64_t rounds = 5;  ///< parts that the images are dealt out to; rounds beyond begin again
  std::uint64_t seed = 0;   ///< of the parts, and of random pairs
};

/// The images of a clustering as a selection sees them.
struct AssignedImages {
  MatrixView<const float> probabilities;  ///< [N, K]
  MatrixView<const float> embeddings;     ///< [N, E]; looked at by `uncertain` alone
};

/// How many of `budget` pairs each cluster gets (Sun, Zhou, Du, Li: Active deep image clustering,
/// 2022, algorithm 1, line 5): floor(budget * size / sum of sizes), and what the floors leave over
/// goes one by one to the largest remainders. No cluster gets more than `room` of it; what it
/// cannot use goes to those that can.
std::vector<std::int64_t> shared_budget(std::int64_t budget, const std::vector<std::int64_t>& sizes,
                                        const std::vector<std::int64_t>& room);

/// Pairs to ask about, `query.budget` or as many as there are, none of which is in `asked` or twice
/// in the answer: algorithm 1 of the paper, and what its ablations put in its place. The first
/// image of an active pair is the surest of its cluster. O(N K + N log N) time, `uncertain`: at
/// most 2,000 images of a cluster and part are compared with each other.
std::vector<ImagePair> select_pairs(const PairQuery& query, const AssignedImages& images,
                                    const std::vector<ImagePair>& asked);

/// How likely two images are of one cluster, by their probabilities: sum over k of p_ik p_jk.
double likely_together(const AssignedImages& images, const ImagePair& pair);

}  // namespace coterie
