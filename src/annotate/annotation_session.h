#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "coterie/annotate/annotations.h"
#include "coterie/annotate/constraint_store.h"
#include "coterie/annotate/rounds.h"
#include "coterie/annotate/trainer.h"
#include "coterie/run/cluster.h"

namespace coterie {

struct SessionOptions {
  std::int64_t budget = 0;  ///< pairs that a round asks about; 0: a 25th of the images, 10 to 100
  std::string annotator;    ///< who gives the answers
  Progress* progress = nullptr;  ///< is told of trainings too; may be null
};

/// What is asked for is sound, but cannot be done as things stand: another client was first, or a
/// training is running.
class Conflict : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Part of a cluster's images in their order.
struct ClusterPage {
  std::int64_t cluster = 0;
  std::int64_t offset = 0;
  std::int64_t count = 200;
  bool unsure_first = false;
};

/// Annotation of one run by one process: what people see, say and correct, and the rounds of
/// training in between (docs/annotator.md). Its state is what a replay of the store's events gives,
/// so that it is the same after a restart; what a call has changed is on disk when it returns.
/// Any number of threads may call. JSON has the forms of docs/annotator.md.
///
/// Calls throw UserError where an id or a text is not allowed, and Conflict; then nothing changed.
class AnnotationSession {
 public:
  static constexpr std::int64_t kLongestName = 100;  ///< characters
  static constexpr std::int64_t kLargestPage = 1000;

  /// Opens the store of `run` for writing. Throws UserError as ConstraintStore and `read_rounds`
  /// do, and where the run has no images. `trainer` must live as long as the session.
  AnnotationSession(LoadedRun run, SessionOptions options, Trainer& trainer);
  ~AnnotationSession();

  const Dataset& dataset() const { return run_.dataset; }

  nlohmann::json state() const;
  /// The state when its version is another than `version`, or after `wait`, or when `stop` is
  /// called.
  nlohmann::json state_after(std::int64_t version, std::chrono::milliseconds wait) const;
  /// The open questions, the most unsure first, at most `count`.
  nlohmann::json questions(std::int64_t count) const;
  nlohmann::json clusters() const;
  nlohmann::json cluster(const ClusterPage& page) const;

  /// Ends the round where its last open question is answered: then the training starts.
  void answer(std::int64_t question, Answer answer);
  /// Takes the latest event back that stands, and says what it was.
  nlohmann::json undo();
  void move(std::vector<std::int64_t> images, std::int64_t to);
  void split(std::vector<std::int64_t> images, const std::string& name);
  void merge(std::int64_t from, std::int64_t into);
  void name(std::int64_t cluster, const std::string& name);
  /// Starts the training of this round with the answers and edits there are.
  void train();
  /// Stops a training that runs, which leaves a checkpoint: one that is asked for with the same
  /// answers goes on from it. The round stays what it was.
  void stop_training();

  /// Cancels a training, waits for its end and wakes all who wait. True where one was cancelled.
  bool stop();

 private:
  struct Training {
    bool running = false;
    std::string text, error;
    double fraction = 0;
  };
  class TrainingProgress;

  // All that follows is called under the lock.
  nlohmann::json state_json() const;
  std::int64_t id_of(const ImagePair& pair) const;
  bool settled(const ImagePair& pair) const;
  std::int64_t open_questions() const;
  void check_idle() const;
  void check_cluster(std::int64_t id) const;
  void check_images(std::vector<std::int64_t>& images) const;
  /// The surest image of a cluster that nobody put there and that is not among `without`; -1: none.
  std::int64_t surest(std::int32_t cluster, const std::vector<std::int64_t>& without) const;
  void add(Event event);
  void refresh();
  void plan_round();
  /// Plans further questions; false where there are none.
  bool plan_more();
  /// Takes note of an event, and plans further questions where all were skipped.
  void follow(const Event& event);
  void start_training();
  RoundRequest round_request() const;
  void begin_round(RoundResult result);

  void train_round(const RoundRequest& request);  // in a thread of its own

  LoadedRun run_;
  SessionOptions options_;
  Trainer& trainer_;
  ConstraintStore store_;
  FileLock lock_;  // The run stays what it is as long as it is annotated.

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::int64_t version_ = 0;
  std::vector<RoundClusters> rounds_;
  RoundResult shown_;  // the newest; its clusters are the last of rounds_
  Annotations now_;
  std::vector<std::vector<std::int64_t>> members_;  // of each cluster, the surest first
  QuestionPlan plan_;
  std::vector<ImagePair> asked_;     // in earlier rounds, and planned in this one
  std::vector<Question> planned_;    // in this round
  std::set<PairKey> answered_;       // in this round
  std::int64_t news_ = 0;            // events of this round that there is something to learn from
  std::vector<Question> questions_;  // and those that were opened again
  Training training_;
  std::unique_ptr<CancelToken> cancel_;  // of the training that runs, or ran last
  bool stopping_ = false;
  bool cancelled_training_ = false;
  std::thread worker_;
};

}  // namespace coterie
