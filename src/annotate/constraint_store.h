#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coterie/core/files.h"

namespace coterie {

/// What a person did.
enum class EventKind {
  pair,   ///< answered whether two images belong together
  move,   ///< moved images to a cluster
  split,  ///< made a new cluster of images
  merge,  ///< made one cluster of two
  name,   ///< named a cluster
  undo,   ///< took an event back
};

/// What was said of a pair.
enum class Answer { must, cannot, skip };

std::string_view name_of(EventKind kind);
std::string_view name_of(Answer answer);
std::optional<Answer> answer_named(std::string_view name);

/// A row of the store.
struct Event {
  std::int64_t seq = 0;   ///< from 1, without gaps; given by the store
  std::string time;       ///< UTC, 2026-01-31T12:34:56Z; given by the store
  std::string annotator;  ///< who did it
  std::int64_t round = 1;
  EventKind kind = EventKind::pair;
  std::int64_t a = 0, b = 0;     ///< pair: ids of the images
  Answer answer = Answer::skip;  ///< pair: what was said
  std::int64_t undoes = 0;       ///< undo: seq of what is taken back
  /// The others: what was edited ("images", "to", "from", "into", "cluster", "name") and, as lists
  /// of [id, id] under "must" and "cannot", the constraints that follow from it.
  nlohmann::json data;
};

/// What a store belongs to.
struct StoreOwner {
  std::string fingerprint;  ///< of the data set: images keep their ids
  std::string run;          ///< of the clustering that edits refer to; readers need not give it
};

/// All that people said of the images of a run, in the order in which they said it:
/// RUN/constraints.db (SQLite). Events are only ever added; undo is an event too. What `append`
/// returned from is on disk, and a killed process or a power cut cannot take it back.
class ConstraintStore {
 public:
  static constexpr const char* kFile = "constraints.db";

  enum class Access {
    write,  ///< creates the file where it is absent; one process at a time
    read,   ///< also while another process writes; an absent file holds no events
  };

  /// Opens the store of a run folder. Throws UserError, with the file as it was, where it is
  /// damaged, of another program or a later version, belongs to other data or to an earlier
  /// clustering in the same folder, or where another process has it for writing.
  ConstraintStore(const std::filesystem::path& run, const StoreOwner& owner, Access access);
  ~ConstraintStore();
  ConstraintStore(const ConstraintStore&) = delete;
  ConstraintStore& operator=(const ConstraintStore&) = delete;

  /// Every event, the first one first; with those of other processes at the time of opening.
  const std::vector<Event>& events() const { return events_; }
  /// StoreOwner::run, as the file says; empty where there is no file.
  const std::string& run() const { return run_; }

  /// Adds events, all or none, and gives them seq and time. Throws UserError where the disk
  /// refuses.
  void append(std::vector<Event> events);

 private:
  class Database;
  std::filesystem::path path_;
  std::optional<FileLock> lock_;  // as long as this process may write
  std::unique_ptr<Database> database_;
  std::string run_;
  std::vector<Event> events_;
};

}  // namespace coterie
