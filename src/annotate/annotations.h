#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coterie/annotate/constraint_store.h"
#include "coterie/data/constraints.h"

namespace coterie {

/// The clustering that a round shows and asks about: the run's own in round 1, after that what the
/// round before trained.
struct RoundClusters {
  std::int64_t clusters = 0;
  std::vector<std::int32_t> labels;  ///< [N]
  std::vector<float> confidences;    ///< [N]
};

/// Clusters of a round after its edits. Ids of the round's clustering stay; a split adds the next.
struct EditedClusters {
  std::vector<std::int32_t> labels;           ///< [N]
  std::vector<bool> edited;                   ///< [N]: moved, or split off
  std::vector<bool> merged_away;              ///< of each id; such a cluster is there no more
  std::map<std::int32_t, std::string> names;  ///< of those that have one

  std::int32_t ids() const { return static_cast<std::int32_t>(merged_away.size()); }
  bool has(std::int64_t id) const { return id >= 0 && id < ids() && !merged_away[id]; }
};

/// Something said that what was said before rules out. It is not trained on.
struct Contradiction {
  std::int64_t event = 0;  ///< seq
  Constraint said;
  std::vector<Constraint> because;  ///< of the first kExplainedContradictions alone: they cost time
};
constexpr std::size_t kExplainedContradictions = 100;

/// A pair of images whichever comes first.
using PairKey = std::pair<std::int64_t, std::int64_t>;
inline PairKey key_of(std::int64_t a, std::int64_t b) { return std::minmax(a, b); }

/// What all events together come to.
struct Annotations {
  std::int64_t round = 1;
  EditedClusters clusters;            ///< of this round
  bool labels_changed = false;        ///< by moves, splits and merges of this round
  ConstraintGraph constraints;        ///< answers, and what follows from edits
  std::map<PairKey, Answer> answers;  ///< of pairs, as they stand
  std::vector<Contradiction> contradictions;
  std::vector<std::int64_t> in_force;  ///< seq of what undo can take back, the latest last
  /// Pairs that earlier rounds asked about and whose answers were taken back since.
  std::vector<ImagePair> reopened;
};

/// Replays the events over the clusterings of all rounds so far (at least one, all of as many
/// images).
///
/// Edits are constraints too, those that their events hold. One counts as long as the clusters at
/// the end of its round agree with it and neither of its images was moved or split off later: what
/// a person did last to an image is what holds. Between answers, and between them and edits, what
/// was said first holds, and the rest are contradictions.
///
/// Names pass to the next round's cluster that shares most images; where two names meet, that of
/// the larger share stays.
///
/// Throws UserError where an event names an image, a cluster or an event that is not there.
Annotations replay(const std::vector<Event>& events, const std::vector<RoundClusters>& rounds);

/// Applies one edit (no pair, no undo) to clusters. Throws UserError as `replay` does.
void apply_edit(const Event& edit, EditedClusters& clusters);

}  // namespace coterie
