#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "coterie/annotate/annotations.h"
#include "coterie/data/dataset.h"
#include "coterie/data/feature_rows.h"

namespace coterie {

/// A finished run as a round works on it.
struct RoundResult {
  std::filesystem::path folder;
  RoundClusters clusters;
  FeatureRows probabilities;  ///< [N, K], mapped
  FeatureRows embeddings;     ///< [N, E], mapped; empty where the input itself was clustered
};

/// The folder of what a round trains: RUN/rounds/001 for round 1. It is a run folder.
std::filesystem::path round_folder(const std::filesystem::path& run, std::int64_t round);

/// Reads a finished run on `paths`. Throws UserError where it is not finished, its files do not
/// fit each other, or its images are others.
RoundResult read_round(const std::filesystem::path& folder, const std::vector<std::string>& paths);

/// The run itself and what its rounds trained, as far as they are finished: at least one.
std::vector<RoundResult> read_rounds(const std::filesystem::path& run,
                                     const std::vector<std::string>& paths);

/// A pair to ask about.
struct Question {
  ImagePair pair;
  double together = 0;  ///< how likely both are of one cluster, by the model
};

Question question_about(const RoundResult& result, const ImagePair& pair);

/// What to ask in a round.
struct QuestionPlan {
  std::int64_t round = 1;
  std::int64_t budget = 0;
  std::uint64_t seed = 0;
};

/// Pairs to ask about (select_pairs), those that the model knows least about first: `together`
/// near a half. Where the round's part of the images has too few, the other parts fill them up.
std::vector<Question> plan_questions(const QuestionPlan& plan, const RoundResult& result,
                                     const std::vector<ImagePair>& asked);

/// Up to `count` of `members` that are nearest to `image` by embedding (by probabilities where
/// there are none), nearest first, without itself. O(members E); of more than 4,000 members the
/// first 4,000 are looked at.
std::vector<std::int64_t> nearest_members(const RoundResult& result, std::int64_t image,
                                          const std::vector<std::int64_t>& members,
                                          std::int64_t count);

}  // namespace coterie
