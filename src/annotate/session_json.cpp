#include "coterie/annotate/session_json.h"

#include <algorithm>
#include <utility>

#include "coterie/annotate/annotation_session.h"
#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {
namespace {

constexpr std::size_t kExamples = 6;

std::int64_t characters_in(const std::string& utf8) {
  return std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

}  // namespace

std::string display_text(const std::string& path) { return is_utf8(path) ? path : printable(path); }

nlohmann::json constraint_json(const Constraint& constraint) {
  return {{"a", constraint.a},
          {"b", constraint.b},
          {"answer", constraint.link == Link::must ? "must" : "cannot"}};
}

nlohmann::json contradictions_json(const std::vector<Contradiction>& contradictions) {
  auto all = nlohmann::json::array();
  for (const auto& [event, said, because] : contradictions) {
    if (all.size() == kExplainedContradictions) break;
    auto json = constraint_json(said);
    json["event"] = event;
    json["because"] = nlohmann::json::array();
    for (const Constraint& reason : because) json["because"].push_back(constraint_json(reason));
    all.push_back(std::move(json));
  }
  return all;
}

nlohmann::json undone_json(const Event& event) {
  if (event.kind == EventKind::pair)
    return {{"kind", name_of(event.kind)},
            {"a", event.a},
            {"b", event.b},
            {"answer", name_of(event.answer)}};
  nlohmann::json json = event.data;
  json.erase("must");
  json.erase("cannot");
  json["kind"] = name_of(event.kind);
  return json;
}

nlohmann::json cluster_json(std::int32_t id, const std::string& name,
                            const std::vector<std::int64_t>& members,
                            const std::vector<float>& confidences) {
  double sum = 0;
  for (const std::int64_t image : members) sum += confidences[image];
  const std::vector<std::int64_t> examples(
      members.begin(),
      members.begin() + static_cast<std::ptrdiff_t>(std::min(members.size(), kExamples)));
  return {{"id", id},
          {"name", name},
          {"size", members.size()},
          {"confidence", members.empty() ? 0.0 : sum / static_cast<double>(members.size())},
          {"examples", examples}};
}

void check_name(const std::string& name) {
  if (!is_utf8(name)) throw UserError("the name is not UTF-8");
  if (characters_in(name) > AnnotationSession::kLongestName)
    throw UserError("the name has {} characters; allowed are {}", characters_in(name),
                    AnnotationSession::kLongestName);
}

std::vector<std::int32_t> training_numbers(const EditedClusters& clusters,
                                           const RoundClusters& round) {
  const auto ids = static_cast<std::size_t>(clusters.ids());
  std::vector<bool> filled(ids), was_filled(ids);
  for (const std::int32_t label : clusters.labels) filled[label] = true;
  for (const std::int32_t label : round.labels) was_filled[label] = true;
  // One that the training before left empty is still an output of the network.
  const auto stays = [&](std::size_t id) {
    return !clusters.merged_away[id] &&
           (filled[id] || (id < static_cast<std::size_t>(round.clusters) && !was_filled[id]));
  };
  std::int32_t count = 0;
  for (std::size_t id = 0; id < ids; ++id) count += stays(id);
  std::vector<std::int32_t> numbers(ids, -1);
  std::vector<std::int32_t> gaps;
  for (std::int32_t id = 0; id < count; ++id) {
    if (stays(id)) {
      numbers[id] = id;
    } else {
      gaps.push_back(id);
    }
  }
  auto gap = gaps.begin();
  for (std::size_t id = static_cast<std::size_t>(count); id < ids; ++id)
    if (stays(id)) numbers[id] = *gap++;
  return numbers;
}

}  // namespace coterie
