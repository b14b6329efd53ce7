#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coterie/annotate/annotations.h"

namespace coterie {

// The forms that the annotator's pages get things in (docs/annotator.md).

/// A path as JSON can hold it: bytes that are not UTF-8 as \xNN.
std::string display_text(const std::string& path);

nlohmann::json constraint_json(const Constraint& constraint);
/// The first hundred of them.
nlohmann::json contradictions_json(const std::vector<Contradiction>& contradictions);
/// What an event did, without the constraints that followed.
nlohmann::json undone_json(const Event& event);
/// A cluster in the list; `members` are its images, the surest first.
nlohmann::json cluster_json(std::int32_t id, const std::string& name,
                            const std::vector<std::int64_t>& members,
                            const std::vector<float>& confidences);

/// Throws UserError where a cluster's name is too long or not UTF-8.
void check_name(const std::string& name);

/// The numbers that clusters are trained under, 0 to K-1, -1 for those that are no more: merged
/// away, or emptied by edits. Those below K keep theirs, so that a network's outputs keep their
/// meaning; the others fill the gaps.
std::vector<std::int32_t> training_numbers(const EditedClusters& clusters,
                                           const RoundClusters& round);

}  // namespace coterie
