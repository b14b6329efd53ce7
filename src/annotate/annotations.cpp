#include "coterie/annotate/annotations.h"

#include <algorithm>
#include <set>

#include "coterie/core/error.h"

namespace coterie {
namespace {

EditedClusters untouched(const RoundClusters& round) {
  return {.labels = round.labels,
          .edited = std::vector<bool>(round.labels.size()),
          .merged_away = std::vector<bool>(static_cast<std::size_t>(round.clusters))};
}

[[noreturn]] void refuse(const Event& event, const std::string& what) {
  throw UserError(
      "{}: event {} ({}) {}; the folder does not fit the answers given in it, take both from one "
      "backup",
      ConstraintStore::kFile, event.seq, name_of(event.kind), what);
}

/// Passes names on to the clusters that took most of the named ones' images.
std::map<std::int32_t, std::string> names_after(const EditedClusters& before,
                                                const RoundClusters& after) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> shared;
  for (std::size_t i = 0; i < before.labels.size(); ++i)
    if (before.names.contains(before.labels[i])) ++shared[{before.labels[i], after.labels[i]}];
  struct Heir {
    std::int64_t images = 0;
    std::int32_t cluster = 0;
  };
  std::map<std::int32_t, Heir> heirs;  // of the named clusters
  for (const auto& [clusters, images] : shared)
    if (images > heirs[clusters.first].images) heirs[clusters.first] = {images, clusters.second};
  std::map<std::int32_t, std::string> names;
  std::map<std::int32_t, std::int64_t> largest;
  for (const auto& [cluster, heir] : heirs)
    if (heir.images > largest[heir.cluster]) {
      largest[heir.cluster] = heir.images;
      names[heir.cluster] = before.names.at(cluster);
    }
  return names;
}

std::vector<Constraint> constraints_in(const Event& edit) {
  std::vector<Constraint> constraints;
  try {
    for (const auto& [key, link] :
         {std::pair("must", Link::must), std::pair("cannot", Link::cannot)})
      if (edit.data.contains(key))
        for (const auto& pair : edit.data.at(key))
          constraints.push_back({pair.at(0), pair.at(1), link});
  } catch (const nlohmann::json::exception& error) {
    refuse(edit, fmt::format("holds damaged constraints: {}", error.what()));
  }
  return constraints;
}

bool moves_images(const Event& event) {
  return event.kind == EventKind::move || event.kind == EventKind::split;
}

class Replay {
 public:
  Replay(const std::vector<Event>& events, const std::vector<RoundClusters>& rounds)
      : events_(events),
        rounds_(rounds),
        images_(static_cast<std::int64_t>(rounds.front().labels.size())),
        taken_back_(events.size() + 1),
        last_move_(rounds.front().labels.size()),
        result_{.round = static_cast<std::int64_t>(rounds.size()),
                .constraints = ConstraintGraph(images_)} {}

  Annotations run() {
    take_back();
    for (const Event& event : events_)
      if (holds(event)) result_.in_force.push_back(event.seq);
    replay_edits();
    replay_constraints();
    return std::move(result_);
  }

 private:
  bool holds(const Event& event) const {
    return event.kind != EventKind::undo && !taken_back_[event.seq];
  }

  void take_back() {
    std::set<PairKey> reopened;
    for (const Event& event : events_) {
      if (event.kind != EventKind::undo) continue;
      const std::int64_t undone = event.undoes;
      if (undone < 1 || undone >= event.seq || taken_back_[undone] ||
          events_[undone - 1].kind == EventKind::undo)
        refuse(event, fmt::format("takes back event {}, which it cannot", undone));
      taken_back_[undone] = true;
      const Event& pair = events_[undone - 1];
      if (pair.kind == EventKind::pair && pair.round < result_.round &&
          reopened.insert(key_of(pair.a, pair.b)).second)
        result_.reopened.push_back({pair.a, pair.b});
    }
  }

  void replay_edits() {
    std::map<std::int32_t, std::string> names;
    for (std::size_t r = 0; r < rounds_.size(); ++r) {
      EditedClusters clusters = untouched(rounds_[r]);
      if (r > 0) names = names_after(result_.clusters, rounds_[r]);
      clusters.names = names;
      const auto round = static_cast<std::int64_t>(r) + 1;
      result_.labels_changed = false;
      for (const Event& event : events_) {
        if (!holds(event) || event.kind == EventKind::pair || event.round != round) continue;
        apply_edit(event, clusters);
        result_.labels_changed |= event.kind != EventKind::name;
        if (moves_images(event))
          for (const std::int64_t image : event.data.at("images")) last_move_[image] = event.seq;
      }
      for (const Event& event : events_)
        if (holds(event) && event.kind != EventKind::pair && event.round == round)
          for (const Constraint& constraint : constraints_in(event))
            if (agrees(constraint, event, clusters.labels))
              of_edits_.push_back({event.seq, constraint});
      result_.clusters = std::move(clusters);
    }
  }

  bool agrees(const Constraint& constraint, const Event& event,
              const std::vector<std::int32_t>& labels) const {
    check_image(constraint.a, event);
    check_image(constraint.b, event);
    return (labels[constraint.a] == labels[constraint.b]) == (constraint.link == Link::must);
  }

  void check_image(std::int64_t image, const Event& event) const {
    if (image < 0 || image >= images_)
      refuse(event, fmt::format("names image {}, allowed is 0 to {}", image, images_ - 1));
  }

  void replay_constraints() {
    const auto earlier = [](const auto& x, const auto& y) { return x.first < y.first; };
    std::stable_sort(of_edits_.begin(), of_edits_.end(), earlier);
    auto edits = of_edits_.begin();
    for (const Event& event : events_) {
      if (!holds(event)) continue;
      if (event.kind == EventKind::pair) {
        check_image(event.a, event);
        check_image(event.b, event);
        result_.answers[key_of(event.a, event.b)] = event.answer;
        if (event.answer != Answer::skip)
          say(event.seq,
              {event.a, event.b, event.answer == Answer::must ? Link::must : Link::cannot});
      }
      for (; edits != of_edits_.end() && edits->first == event.seq; ++edits) {
        const Constraint& constraint = edits->second;
        if (last_move_[constraint.a] <= event.seq && last_move_[constraint.b] <= event.seq)
          say(event.seq, constraint);
      }
    }
  }

  void say(std::int64_t seq, const Constraint& constraint) {
    if (result_.constraints.add(constraint)) return;
    Contradiction found{.event = seq, .said = constraint};
    if (result_.contradictions.size() < kExplainedContradictions)
      found.because = result_.constraints.reason(constraint.a, constraint.b);
    result_.contradictions.push_back(std::move(found));
  }

  const std::vector<Event>& events_;
  const std::vector<RoundClusters>& rounds_;
  std::int64_t images_;
  std::vector<bool> taken_back_;                               // by seq
  std::vector<std::int64_t> last_move_;                        // of an image: seq
  std::vector<std::pair<std::int64_t, Constraint>> of_edits_;  // with seq
  Annotations result_;
};

}  // namespace

void apply_edit(const Event& edit, EditedClusters& clusters) {
  const auto cluster = [&](const char* key) {
    const std::int64_t id = edit.data.at(key);
    if (!clusters.has(id)) refuse(edit, fmt::format("names cluster {}, which is not there", id));
    return static_cast<std::int32_t>(id);
  };
  const auto put = [&](std::int32_t to) {
    for (const std::int64_t image : edit.data.at("images")) {
      if (image < 0 || image >= static_cast<std::int64_t>(clusters.labels.size()))
        refuse(edit, fmt::format("names image {}, which is not there", image));
      clusters.labels[image] = to;
      clusters.edited[image] = true;
    }
  };
  try {
    switch (edit.kind) {
      case EventKind::move:
        return put(cluster("to"));
      case EventKind::split: {
        const std::int32_t id = clusters.ids();
        clusters.merged_away.push_back(false);
        if (const std::string name = edit.data.at("name"); !name.empty()) clusters.names[id] = name;
        return put(id);
      }
      case EventKind::merge: {
        const std::int32_t from = cluster("from");
        const std::int32_t into = cluster("into");
        std::replace(clusters.labels.begin(), clusters.labels.end(), from, into);
        clusters.merged_away[from] = true;
        if (const auto name = clusters.names.extract(from))
          clusters.names.emplace(into, name.mapped());
        return;
      }
      case EventKind::name: {
        const std::int32_t id = cluster("cluster");
        if (const std::string name = edit.data.at("name"); name.empty()) {
          clusters.names.erase(id);
        } else {
          clusters.names[id] = name;
        }
        return;
      }
      case EventKind::pair:
      case EventKind::undo:
        return;
    }
  } catch (const nlohmann::json::exception& error) {
    refuse(edit, fmt::format("lacks what it needs: {}", error.what()));
  }
}

Annotations replay(const std::vector<Event>& events, const std::vector<RoundClusters>& rounds) {
  return Replay(events, rounds).run();
}

}  // namespace coterie
